"""How far the finding can be trusted, what was marked beside it, and which other moments there are. Chinese."""

from __future__ import annotations

from mellm_demo import facs
from mellm_demo.reasoning.answers.shared import LISTED_SPANS, interval_of
from mellm_demo.reasoning.answers.zh.nothing import not_found, short
from mellm_demo.reasoning.answers.zh.pieces import SPAN_NAMES, codes, scale_word, span_times
from mellm_demo.reasoning.answers.zh.recording import CHECK_NAMES, better_clip
from mellm_demo.reasoning.facts import Facts
from mellm_demo.reasoning.intents import Query
from mellm_demo.wording import number, seconds

LIMITS = {
    "blink": "该动作与眨眼重叠，眨眼会牵动眉毛和脸颊",
    "closed": "动作开始时眼睛是闭着的，睁眼也会牵动眉毛和脸颊",
    "speech": "该动作发生在说话或咀嚼期间，嘴部本来就在动",
    "head": "同一时间头部在快速运动",
    "gap": "其间人脸曾丢失或无法测量",
    "cut": "视频在面部恢复静止之前就已开始或结束",
    "few": "帧数太少，看不清动作的过程",
}
KIND_NAMES = {"micro": "微表情", "macro": "宏表情"}


def caveats(facts: Facts) -> str:
    """What limits this finding, told once and beside it."""
    told = [LIMITS[key] for key in facts.limits if key != "few" or not facts.slow]
    if facts.slow:
        rate, shortest, step = facts.analysis.clip.frame_rate, facts.shortest_ms, facts.step_ms
        told.append(
            f"在每秒 {number(rate, 0)} 帧下，短于 {number(shortest, 0)} 毫秒的动作无法看到，"
            f"时间至多精确到 {number(step, 0)} 毫秒"
        )
    if interval_of(facts).by_user and not facts.is_pair:
        told.append("起始帧和顶点帧由您设定，并非程序找到")
    told += [f"输入的{CHECK_NAMES.get(check.name, check.name)}需要留意" for check in facts.input_warnings]
    return f"请注意：{'；'.join(told)}。" if told else ""


def answer_reliability(facts: Facts, query: Query) -> str:
    if not facts.found:
        return f"{not_found(facts)}\n\n{better_clip(facts)}"
    strongest = facts.groups[0].strongest
    ratio = number(strongest.magnitude_px / facts.floor_px) if facts.floor_px > 0 else "–"
    lines = [
        f"- 运动：可靠。{number(strongest.magnitude_px)} 像素，是本片段静止时噪声（{number(facts.floor_px)} 像素）的 "
        f"{ratio} 倍。"
    ]
    if facts.units:
        told = "，".join(f"AU{unit.au} {scale_word(unit)} {number(unit.probability, 2)}" for unit in facts.units)
        lines.append(f"- 动作单元：取决于下列数值（0 到 1）：{told}。")
    lines.append("- 情绪：只是初步推断。同样的动作可以有多种原因。")
    limits = [line for line in (_confusers(facts), caveats(facts), _rate_line(facts)) if line]
    open_end = [] if interval_of(facts).complete or facts.is_pair else ["终止点在视频之外。"]
    return "\n".join(lines) + "".join(f"\n\n{line}" for line in (*limits, *open_end))


def _confusers(facts: Facts) -> str:
    told = []
    for au in facts.claimed:
        known = facs.AU_BY_NUMBER.get(au)
        if known and known.confusers:
            told.append(f"AU{au} 容易与 {codes(known.confusers)} 混淆")
    return "；".join(told) + "。" if told else ""


def _rate_line(facts: Facts) -> str:
    if facts.is_pair:
        return ""
    poor = [CHECK_NAMES.get(name, name) for name in facts.poor_checks()]
    quality = f"需要留意：{'、'.join(poor)}" if poor else "输入没有明显缺陷"
    return f"输入：每秒 {number(facts.analysis.clip.frame_rate)} 帧；{quality}。"


def answer_spans(facts: Facts, query: Query) -> str:
    kinds = query.spans or ("blink", "speech", "head")
    lines = []
    for kind in kinds:
        name, spans = SPAN_NAMES[kind], facts.spans(kind)
        if not spans:
            lines.append(f"{name}：这段视频中没有标记到。")
            continue
        more = "……" if len(spans) > LISTED_SPANS else ""
        line = f"{name}：{'、'.join(span_times(span) for span in spans[:LISTED_SPANS])}{more}。"
        if facts.interval is not None and not facts.is_pair:
            touching = "、".join(span_times(span) for span in facts.overlaps if span.kind == kind)
            line += f"其中 {touching}与所选时段重叠。" if touching else "与所选时段没有重叠。"
        lines.append(line)
    handling = {
        "blink": "寻找动作时不计眼睑。",
        "speech": "说话会牵动嘴部，期间发现的动作会标为存疑。",
        "head": "头部运动由不受表情影响的部位拟合得出，并已去除。",
    }
    return "\n\n".join([*lines, "".join(handling[kind] for kind in kinds)])


def answer_candidates(facts: Facts, query: Query) -> str:
    candidates = facts.analysis.spotting.candidates
    if not candidates:
        own = "当前时段由您设定。" if facts.interval is not None and facts.interval.by_user else ""
        return f"程序没有自行找到任何时段。{own}{'' if facts.found else short(facts)}"
    lines = []
    for place, one in enumerate(candidates, start=1):
        mark = "，**当前显示**" if facts.analysis.selected == place - 1 else ""
        lines.append(
            f"{place}. {seconds(one.onset_ms)}–{seconds(one.offset_ms)} 秒，顶点 {seconds(one.apex_ms)} 秒，"
            f"{KIND_NAMES[one.kind]}，{number(one.peak_px)} 像素，为噪声的 {number(one.score)} 倍{mark}"
        )
    count = f"找到 {len(candidates)} 个时段{'，按可信程度排列' if len(candidates) > 1 else ''}："
    tail = "\n\n可在时间轴下方选择另一个，其余内容随之更新。" if len(candidates) > 1 else ""
    return f"{count}\n\n" + "\n".join(lines) + tail
