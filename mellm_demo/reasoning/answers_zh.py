"""The narrator's Chinese: the first explanation, and one answer for every intent.

Says the same as the English voice from the same facts, sentence by sentence in its own words. Measured values are told
as measured, readings as tentative; where the finding is not reliable no action unit and no emotion is claimed.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from mellm_demo import facs, wording
from mellm_demo.reasoning.facts import FRAMES_TO_SEE, GOOD_FRAME_RATE, MICRO_LIMIT_MS, Facts, Group, family, support
from mellm_demo.reasoning.intents import Intent, Query
from mellm_demo.records import ActionUnitEvidence, EmotionHypothesis, Interval, RegionMotion, Span
from mellm_demo.wording import number, seconds

Answer = Callable[[Facts, Query], str]

TITLES = ("**哪里动了**", "**对应哪些动作单元**", "**可能表达什么**")
MEASURED = "运动是测量出来的，情绪是推断出来的：同样的动作可能伴随不同的感受，也可能不伴随任何感受。"
SHOWN_GROUPS = 4
LISTED_SPANS = 4
LIMITS = {
    "blink": "该动作与眨眼重叠，眨眼会牵动眉毛和脸颊",
    "closed": "动作开始时眼睛是闭着的，睁眼也会牵动眉毛和脸颊",
    "speech": "该动作发生在说话或咀嚼期间，嘴部本来就在动",
    "head": "同一时间头部在快速运动",
    "gap": "其间人脸曾丢失或无法测量",
    "cut": "视频在面部恢复静止之前就已开始或结束",
    "few": "帧数太少，看不清动作的过程",
}
SPAN_NAMES = {"blink": "眨眼", "speech": "说话", "head": "头部转动", "gap": "人脸缺失"}
KIND_NAMES = {"micro": "微表情", "macro": "宏表情"}
# What the analysis gives as its reasons, in English sentences, and the same in Chinese.
REASONS: tuple[tuple[str, str], ...] = (
    (r"does not confirm", "起始帧到顶点帧之间的稠密光流未能证实曲线上的动作"),
    (r"followed in only (\d+) frames?; at least (\d+)", "只有 {0} 帧跟踪到人脸，至少需要 {1} 帧才能区分运动与噪声"),
    (r"could be measured in only ([\d.]+) %", "只有 {0}% 的帧可以测量"),
    (r"no stretch of (\d+) frames", "没有连续 {0} 帧可以测量人脸的片段"),
    (r"at ([\d.]+) frames/s nothing shorter than ([\d.]+) ms", "在每秒 {0} 帧下，短于 {1} 毫秒的动作无法看到"),
    (r"coincide with blinks", "眼周的动作都与眨眼重合"),
    (r"closed eyes that open", "眼周的动作只是闭着的眼睛睁开"),
    (r"only while speaking", "嘴部只在说话或咀嚼时活动，这不能说明表情"),
    (r"fast head motion", "动作都发生在头部快速运动期间，无法与之区分"),
    (r"largest movement \(([\d.]+) px .*noise \(([\d.]+) px", "最大位移 {0} 像素，没有明显高于该处的噪声（{1} 像素）"),
    (r"no region moved by more than ([\d.]+) px", "各区域位移都不超过 {0} 像素"),
    (r"hardly above", "该动作只是略高于噪声"),
    (r"blink", "该动作与眨眼重叠"),
    (r"speech|speaking", "该动作发生在说话期间"),
    (r"head", "该动作与头部运动重叠"),
)
OTHER_REASON = "测到的动作不具备表情应有的时间过程"


# --------------------------------------------------------------------------------------------- the explanation


def explain(facts: Facts) -> str:
    """The first explanation: three titled steps, then what to keep in mind."""
    steps = _explain_found(facts) if facts.found else _explain_nothing(facts)
    return "\n\n".join(f"{title}\n\n{step}" for title, step in zip(TITLES, steps, strict=True))


def _explain_found(facts: Facts) -> tuple[str, str, str]:
    interval, first, *others = _interval(facts), *facts.groups
    moved = f"{_when_moved(facts)}{_group(first)}：{_sizes(first)}。"
    if not facts.is_pair:
        rise = _duration(interval.apex_ms - interval.onset_ms)
        moved += f"位移在 {seconds(interval.apex_ms)} 秒达到最大，即起始之后 {rise}。"
    noise = f"本片段的噪声（{number(facts.floor_px)} 像素）"
    if others:
        listed = "；".join(f"{_group(group)}（{_px(group)}）" for group in others[:SHOWN_GROUPS])
        left_out = len(others) - SHOWN_GROUPS
        more = f"；另有 {left_out} 处较弱" if left_out > 0 else ""
        moved += f"同样超过{noise}的还有：{listed}{more}。"
    else:
        moved += f"其他区域都没有超过{noise}。"
    return (
        f"{moved}{_kind_sentence(facts)}",
        _unit_lines(facts) if facts.units else _no_unit(),
        "\n\n".join(part for part in (_reading(facts), _caveats(facts), MEASURED) if part),
    )


def _explain_nothing(facts: Facts) -> tuple[str, str, str]:
    scale = f"这里 1 像素相当于瞳距的 {number(facts.percent(1.0))}%。"
    meaning = (
        "从这段视频无法判断。这并不表示当事人没有感受：静止的面部，与对这段录像来说过小或过短的动作，看起来是一样的。"
    )
    return (
        f"{_not_found(facts)}{_set_aside(facts)}{scale}",
        "没有认定任何动作单元：动作单元需要高于噪声、并具有自身时间过程的运动。",
        f"{meaning}\n\n{_better_clip(facts)}",
    )


def _when_moved(facts: Facts) -> str:
    interval = _interval(facts)
    if facts.is_pair:
        return "从起始图到顶点图，"
    chosen = "（您设定的标记）" if interval.by_user else ""
    least = "至少" if not interval.complete else ""
    span = f"从 {seconds(interval.onset_ms)} 秒到 {seconds(interval.offset_ms)} 秒"
    return f"{span}{chosen}，{least}持续 {_duration(interval.duration_ms)}，"


def _kind_sentence(facts: Facts) -> str:
    interval = _interval(facts)
    if facts.is_pair:
        return "两张图片不含时间信息，因此无法判断是微表情还是宏表情。"
    limit = _duration(MICRO_LIMIT_MS)
    open_end = "" if interval.complete else "视频内面部尚未恢复静止，因此实际持续时间更长。"
    if interval.kind == "micro":
        return open_end or f"持续时间不超过 {limit}，按时长属于微表情。"
    return f"{open_end}持续时间超过 {limit}，属于宏表情，即普通的、明显可见的表情。"


def _set_aside(facts: Facts) -> str:
    told = [part for kind in SPAN_NAMES if (part := _counted(facts, kind))]
    return f"已排除在外的有：{'、'.join(told)}。" if told else ""


def _counted(facts: Facts, kind: str) -> str:
    spans = facts.spans(kind)
    if not spans:
        return ""
    times = "，".join(_span(span) for span in spans[:LISTED_SPANS]) + ("……" if len(spans) > LISTED_SPANS else "")
    return f"{len(spans)} 次{SPAN_NAMES[kind]}（{times}）"


def _caveats(facts: Facts) -> str:
    told = [LIMITS[key] for key in facts.limits if key != "few" or not facts.slow]
    if facts.slow:
        rate, shortest, step = facts.analysis.clip.frame_rate, facts.shortest_ms, facts.step_ms
        told.append(
            f"在每秒 {number(rate, 0)} 帧下，短于 {number(shortest, 0)} 毫秒的动作无法看到，"
            f"时间至多精确到 {number(step, 0)} 毫秒"
        )
    if _interval(facts).by_user and not facts.is_pair:
        told.append("起始帧和顶点帧由您设定，并非程序找到")
    told += [f"输入的{CHECK_NAMES.get(check.name, check.name)}需要留意" for check in facts.input_warnings]
    return f"请注意：{'；'.join(told)}。" if told else ""


# --------------------------------------------------------------------------------------------- nothing reliable


def _not_found(facts: Facts) -> str:
    """Why nothing is claimed, with the two numbers that decide it."""
    px, noise = _two(facts)
    if facts.state == "chosen_still":
        interval = _interval(facts)
        span = f"{seconds(interval.onset_ms)} 秒至 {seconds(interval.apex_ms)} 秒"
        where = "两张图片之间" if facts.is_pair else f"在您设定的起始帧与顶点帧之间（{span}）"
        return f"没有可与噪声区分的动作：{where}，各区域位移都不超过 {px} 像素，而本片段的噪声为 {noise} 像素。"
    if facts.state == "doubtful":
        return f"有动作，但不可靠：{_doubtful_motion(facts)}。{_because(facts)}"
    if facts.only_small:
        least = f"只有超过 {noise} 像素才算数。"
        if facts.largest.rank != "under":
            least = f"仅略高于该处的噪声（{noise} 像素）。"
        return f"没有明显高于本片段噪声的动作。最大位移为 {px} 像素{_largest_place(facts)}，{least}{_because(facts)}"
    because = _because(facts) or f"最大位移为 {px} 像素{_largest_place(facts)}，噪声为 {noise} 像素。"
    return f"没有可以视为表情的动作。{because}"


def short(facts: Facts) -> str:
    """Why nothing is claimed, in one sentence: what answers to single questions end in."""
    if facts.state == "doubtful":
        return f"找到的动作并不可靠：{_doubtful_motion(facts)}。"
    if facts.state == "still" and not facts.only_small and facts.reasons:
        return f"没有发现可靠的动作：{_reason(facts.reasons[0])}。"
    px, noise = _two(facts)
    where = "您设定的标记之间，" if facts.state == "chosen_still" and not facts.is_pair else ""
    most = f"{where}最大位移 {px} 像素{_largest_place(facts)}"
    if facts.largest.rank == "above":
        return f"{most}，但不具备表情应有的时间过程；噪声为 {noise} 像素。"
    return f"{most}，{'低于' if facts.largest.rank == 'under' else '仅略高于'}噪声（{noise} 像素）。"


def _largest_place(facts: Facts) -> str:
    at = facts.largest_at
    if at is None:
        return ""
    name, side, time_ms = at
    when = "" if facts.is_pair else f"，{seconds(time_ms)} 秒"
    return f"（{wording.region(name, side, 'zh')}{when}）"


def _doubtful_motion(facts: Facts) -> str:
    first = facts.groups[0]
    when = "" if facts.is_pair else f"在 {seconds(_interval(facts).apex_ms)} 秒前后，"
    return f"{when}{_group(first)}（{_px(first)}，噪声为 {number(facts.floor_px)} 像素）"


def _because(facts: Facts) -> str:
    """The analysis's own reasons, size aside."""
    told = [_reason(reason) for reason in facts.reasons]
    return "；".join(dict.fromkeys(told)) + "。" if told else ""


def _reason(sentence: str) -> str:
    for pattern, chinese in REASONS:
        found = re.search(pattern, sentence.casefold())
        if found:
            return chinese.format(*found.groups())
    return OTHER_REASON


def _two(facts: Facts) -> tuple[str, str]:
    largest = facts.largest
    digits = wording.digits_apart(largest.px, largest.floor_px)
    return number(largest.px, digits), number(largest.floor_px, digits)


# --------------------------------------------------------------------------------------------- pieces


def _interval(facts: Facts) -> Interval:
    if facts.interval is None:
        raise ValueError("There is no interval to tell of; ask for the state first.")
    return facts.interval


def _duration(ms: float) -> str:
    return wording.duration(ms, "zh")


def _region(motion: RegionMotion) -> str:
    return wording.region(motion.name, motion.side, "zh")


def _group(group: Group) -> str:
    """“双侧嘴角向外上方移动”."""
    return f"{wording.region(group.name, group.side, 'zh')}{wording.direction(group.strongest, 'zh')}移动"


def _px(group: Group) -> str:
    if group.side == "both":
        left, right = group.motions
        return f"左 {number(left.magnitude_px)} 像素，右 {number(right.magnitude_px)} 像素"
    return f"{number(group.motions[0].magnitude_px)} 像素"


def _sizes(group: Group) -> str:
    if group.side == "both":
        left, right = group.motions
        return (
            f"左侧 {number(left.magnitude_px)} 像素，右侧 {number(right.magnitude_px)} 像素，"
            f"分别为瞳距的 {number(left.magnitude_iod)}% 和 {number(right.magnitude_iod)}%"
        )
    only = group.motions[0]
    return f"{number(only.magnitude_px)} 像素，为瞳距的 {number(only.magnitude_iod)}%"


def _span(span: Span) -> str:
    return f"{seconds(span.start_ms)}–{seconds(span.end_ms)} 秒"


def _name(au: int) -> str:
    known = facs.AU_BY_NUMBER.get(au)
    return known.name_zh if known else "未收录"


def _code(au: int) -> str:
    return f"AU{au} {_name(au)}"


def _does(au: int) -> str:
    known = facs.AU_BY_NUMBER.get(au)
    return known.plain_zh if known else "牵动面部的一部分"


def _codes(units: tuple[int, ...]) -> str:
    return "、".join(f"AU{au}" for au in units)


def _side_note(unit: ActionUnitEvidence) -> str:
    known = facs.AU_BY_NUMBER.get(unit.au)
    if unit.side == "both" and known is not None and not known.paired:
        return "位于中线"
    return facs.SIDE_ZH[unit.side]


def _unit_lines(facts: Facts) -> str:
    lines = [
        f"- **{_code(unit.au)}**，{_side_note(unit)}：{_does(unit.au)}。"
        f"{_scale(unit)} {number(unit.probability, 2)}，{number(unit.strength_px)} 像素。"
        for unit in facts.units
    ]
    return "\n".join(lines) + f"\n\n{_scale_note(facts)}"


def _scale(unit: ActionUnitEvidence) -> str:
    return wording.SCALE_ZH[wording.scale(unit)]


def _scale_note(facts: Facts) -> str:
    scales = {wording.scale(unit) for unit in facts.units}
    notes = {
        "probability": "概率来自在真实微表情上训练的网络，并与规则合并，误差可达十分之一或更多。",
        "fit": "吻合度从 0 到 1，表示测得的运动与该动作单元的接近程度，并不是判断正确的概率。",
    }
    return "".join(note for scale, note in notes.items() if scale in scales)


def _no_unit() -> str:
    return "动作确实存在，但与所检测的动作单元都不吻合，因此不作命名。"


def _units_short(facts: Facts) -> str:
    return _codes(facts.claimed)


def _emotion(name: str) -> str:
    return wording.emotion(name, "zh")


def _reading(facts: Facts) -> str:
    if not facts.units:
        return "没有动作单元，就没有推断情绪的依据。"
    named = wording.readings(facts.emotions)
    if not named:
        text = f"仅凭 {_units_short(facts)} 不能指向某种情绪。"
    elif len(named) == 2:
        one, two = named
        text = (
            f"{_units_short(facts)} 可能属于**{_emotion(one.name)}**（{_for(facts, one)}），"
            f"也可能属于**{_emotion(two.name)}**（{_for(facts, two)}）。仅凭运动无法区分。"
        )
    else:
        best = named[0]
        text = f"初步看来是**{_emotion(best.name)}**：{_for(facts, best)}。{_against(facts, best, '不利的一点：')}"
        if len(facts.emotions) > 1:
            second = facts.emotions[1]
            text += f"依据较弱的是{_emotion(second.name)}。{_against(facts, second, '不利的一点：')}"
    return f"{text}{_coarse_sentence(facts)}"


def _for(facts: Facts, reading: EmotionHypothesis) -> str:
    """What speaks for a reading, from the tables of facs. No full stop."""
    if reading.name not in facs.EMOTION_BY_NAME:
        return "已出现的动作单元与之相关"
    held = support(facts, reading.name)
    told = []
    if held.one_sided and held.shown:
        told.append(f"以单侧出现的 {_codes(held.shown)} 为依据")
    elif held.shown and not held.missing and facs.EMOTION_BY_NAME[reading.name].prototype:
        told.append(f"它的典型组合 {_codes(held.pattern)} 全部出现")
    elif held.shown and held.missing:
        told.append(f"它的典型组合 {'+'.join(f'AU{au}' for au in held.pattern)} 中，{_codes(held.shown)} 已出现")
    ruled = [rule for rule in held.rules if len(rule) == max(len(one) for one in held.rules)]
    if ruled:
        rule = " 或 ".join(" 加 ".join(f"AU{au}" for au in rule) for rule in ruled)
        told.append(f"CASME II 的编码规则把 {rule} 归为{_emotion(reading.name)}")
    if held.counts and not ruled:
        au, count, clips = max(held.counts, key=lambda item: item[1])
        told.append(f"CASME II 的 {clips} 个{_emotion(reading.name)}片段中有 {count} 个出现 AU{au}")
    return "；".join(told) or "已出现的动作单元与之相关"


# What the recognition gives as reasons against a reading, in English clauses, and the same in Chinese.
AGAINST: tuple[tuple[str, str], ...] = (
    (r"rather seen with negative", "{0} 更常见于消极情绪"),
    (r"rather seen with happiness", "{0} 更常见于高兴"),
    (r"rather seen with surprise", "{0} 更常见于惊讶"),
    (r"one-sided lip corners", "单侧嘴角的动作在普通的或摆出来的微笑中也会出现"),
    (r"disagree", "AU4 加 AU7 在 CASME II 中算厌恶，在 SAMM 中算愤怒，语料库并不一致"),
    (r"not one-sided", "动作并非单侧"),
)


def _against(facts: Facts, reading: EmotionHypothesis, lead: str) -> str:
    """What speaks against a reading, as a sentence; empty where nothing does."""
    told = []
    if reading.name in facs.EMOTION_BY_NAME and (missing := support(facts, reading.name).missing):
        told.append(f"典型组合中的 {_codes(missing)} 没有出现")
    for reason in reading.reasons_against:
        unit = re.search(r"AU ?(\d+)", reason)
        for pattern, chinese in AGAINST:
            if re.search(pattern, reason):
                told.append(chinese.format(f"AU{unit.group(1)}" if unit else ""))
                break
    return f"{lead}{'；'.join(dict.fromkeys(told))}。" if told else ""


def _pattern_words(facts: Facts, name: str) -> str:
    """What an emotion is tied to, and how much of that is shown, as a sentence."""
    held, word = support(facts, name), _emotion(name)
    if held.one_sided:
        if held.shown:
            return f"单侧出现的 {_codes(held.shown)} 是{word}的依据。"
        return f"{word}以单侧的 AU12 或 AU14 为依据，而两者都没有单侧出现。"
    text = f"{word}通常与 {_codes(held.pattern)} 相关"
    if not held.shown:
        return f"{text}，而这些都没有出现。"
    missing = tuple(au for au in held.pattern if au not in held.shown)
    return f"{text}，其中 {_codes(held.shown)} 已出现" + (f"，{_codes(missing)} 没有出现。" if missing else "。")


def _coarse_sentence(facts: Facts) -> str:
    shares = _shares(facts)
    if not shares:
        return ""
    (best, share), *others = shares
    rest = "，".join(f"{facs.COARSE_ZH[name]} {number(value, 2)}" for name, value in others)
    return f"在三个粗分类中，{facs.COARSE_ZH[best]}所占份额最大（{number(share, 2)}；{rest}）。"


def _shares(facts: Facts) -> list[tuple[str, float]]:
    evidence = facts.analysis.evidence
    if not facts.units or evidence is None or evidence.coarse is None:
        return []
    shares = [(name, float(getattr(evidence.coarse, name))) for name in facs.COARSE_CLASSES]
    return sorted(shares, key=lambda pair: -pair[1])


def _any_of(names: list[str]) -> str:
    return "或".join(_emotion(name) for name in names)


# --------------------------------------------------------------------------------------------- answers: the finding


def answer_explain(facts: Facts, query: Query) -> str:
    return explain(facts)


def answer_units(facts: Facts, query: Query) -> str:
    if facts.units:
        return _unit_lines(facts)
    if facts.found:
        return _no_unit()
    return f"没有认定任何动作单元。{short(facts)}{_faint(facts)}"


def _faint(facts: Facts) -> str:
    evidence = facts.analysis.evidence
    if facts.state != "doubtful" or evidence is None or not evidence.action_units:
        return ""
    return f"如果这一动作是真实的，它最接近 {_code(evidence.action_units[0].au)}，但这不是结论。"


def answer_unit(facts: Facts, query: Query) -> str:
    if not query.units:
        known = _codes(tuple(unit.number for unit in facs.ACTION_UNITS if unit.by_rules))
        return f"本程序不检测这个名称的动作单元。检测的有：{known}。"
    return "\n\n".join(_one_unit(facts, au) for au in query.units[:3])


def _one_unit(facts: Facts, au: int) -> str:
    known = facs.AU_BY_NUMBER.get(au)
    if known is None:
        return f"AU{au} 不在本程序已知的动作单元之内，因此既不能认定，也不能排除。"
    unit = facts.unit(au)
    what = f"{_code(au)}：{known.plain_zh}。"
    if unit is not None:
        size = f"{number(unit.strength_px)} 像素（瞳距的 {number(facts.percent(unit.strength_px))}%）"
        return (
            f"有。{what}此处出现在{_side_where(unit)}，幅度 {size}，{_scale(unit)} {number(unit.probability, 2)}。"
            f"{_basis(facts, unit)}"
        )
    if au in (45, 46):
        blinks = facts.spans("blink")
        times = "、".join(_span(span) for span in blinks[:LISTED_SPANS])
        seen = f"标记到的眨眼：{times}。" if blinks else "没有标记到眨眼。"
        return f"{what}眼睑的动作在时间轴上标出，不计入表情。{seen}"
    if not facts.found:
        return f"{what}是否出现无法判断：这段视频没有认定任何动作单元。{short(facts)}"
    if not known.by_rules:
        return f"{what}二维运动无法把它与 {_codes(known.confusers)} 区分开，因此既不认定，也不排除。"
    behind = facts.motions_behind(au)
    seen = f"{_listing(behind)}；噪声为 {number(facts.floor_px)} 像素。" if behind else ""
    return f"没有。{what}测得的运动不支持它。{seen}"


def _side_where(unit: ActionUnitEvidence) -> str:
    note = _side_note(unit)
    return "中线" if note == "位于中线" else note


def _listing(motions: tuple[RegionMotion, ...]) -> str:
    return "，".join(
        f"{_region(motion)}{wording.direction(motion, 'zh')}移动 {number(motion.magnitude_px)} 像素"
        if motion.moving
        else f"{_region(motion)}低于噪声（{number(motion.magnitude_px)} 像素）"
        for motion in motions
    )


def _basis(facts: Facts, unit: ActionUnitEvidence) -> str:
    motions = tuple(motion for motion in facts.motions if motion.key in unit.regions)
    return f"依据：{_listing(motions)}。" if motions else ""


def answer_side(facts: Facts, query: Query) -> str:
    if not facts.found:
        return f"无法指明哪一侧。{short(facts)}"
    units = [unit for au in query.units if (unit := facts.unit(au))] if query.units else list(facts.units)
    lines = [f"- {_code(unit.au)}：{_side_note(unit)}{_by_side(facts, unit)}" for unit in units]
    absent = tuple(au for au in query.units if facts.unit(au) is None)
    if absent:
        lines.append(f"- {_codes(absent)}：没有出现，因此不在任何一侧")
    if not lines:
        lines = [f"- {_group(group)}（{_px(group)}）" for group in facts.groups[:SHOWN_GROUPS]]
    return "\n".join(lines) + "\n\n左右均指当事人自己的左右；在画面中，当事人的左侧位于右边。"


def _by_side(facts: Facts, unit: ActionUnitEvidence) -> str:
    sided = [motion for motion in facts.motions if motion.key in unit.regions and motion.side]
    told = []
    for name in dict.fromkeys(motion.name for motion in sided):
        values = "，".join(
            f"{'左' if motion.side == 'left' else '右'} {number(motion.magnitude_px)} 像素"
            for motion in facts.motions_of(name)
        )
        told.append(f"{facs.REGION_ZH.get(name, name)}{values}")
    return f"（{'；'.join(told)}）" if told else ""


def answer_when(facts: Facts, query: Query) -> str:
    if facts.is_pair:
        return "两张图片不含时间信息：只能说明从起始到顶点发生了什么变化，不能说明何时、多快。"
    interval = facts.interval
    if interval is None:
        return f"没有可以标定时间的动作。{short(facts)}"
    times = (
        f"起始 {seconds(interval.onset_ms)} 秒，顶点 {seconds(interval.apex_ms)} 秒，终止 "
        f"{seconds(interval.offset_ms)} 秒"
        f"（从第一帧算起，精确到一帧，即 {number(facts.step_ms, 0)} 毫秒）。"
    )
    open_end = "" if interval.complete else "面部恢复静止之前视频就结束了，终止时间取最后一帧。"
    if facts.state == "doubtful":
        return f"{short(facts)}该动作的时间：{times}{open_end}"
    if facts.state == "chosen_still":
        return f"{short(facts)}您的标记：{times}"
    return f"{times}{open_end}{'起始帧和顶点帧由您设定。' if interval.by_user else ''}"


def answer_duration(facts: Facts, query: Query) -> str:
    if facts.is_pair:
        return "两张图片不含时间信息，因此无法给出持续时间。"
    interval = facts.interval
    if interval is None or not facts.found:
        return f"没有可以给出持续时间的表情。{short(facts)}"
    parts = f"到顶点用了 {_duration(interval.apex_ms - interval.onset_ms)}"
    if interval.complete:
        parts += f"，之后 {_duration(interval.offset_ms - interval.apex_ms)}恢复静止"
    least = "至少" if not interval.complete else ""
    return (
        f"{least}持续 {_duration(interval.duration_ms)}：{parts}。两端各精确到一帧，即 {number(facts.step_ms, 0)} "
        "毫秒。"
        f"{_kind_sentence(facts)}"
    )


def answer_kind(facts: Facts, query: Query) -> str:
    if not facts.found:
        return f"没有发现可靠的微表情。{short(facts)}"
    if facts.is_pair:
        return _kind_sentence(facts)
    interval = _interval(facts)
    length, limit = _duration(interval.duration_ms), _duration(MICRO_LIMIT_MS)
    if facts.kind is None:
        return f"尚无定论：至少持续 {length}。{_kind_sentence(facts)}"
    if facts.kind == "micro":
        return f"按时长是微表情：持续 {length}，界限为 {limit}。"
    least = "" if interval.complete else "至少"
    return f"按时长是宏表情：{least}持续 {length}，超过微表情的界限 {limit}。"


def answer_strength(facts: Facts, query: Query) -> str:
    if not facts.found and not facts.moving:
        return short(facts)
    lead = "" if facts.found else short(facts)
    lines = []
    for au in query.units:
        unit = facts.unit(au)
        if unit is None:
            lines.append(f"AU{au} 没有出现，因此没有强度。")
        else:
            size = f"{number(unit.strength_px)} 像素，为瞳距的 {number(facts.percent(unit.strength_px))}%"
            sides = _by_side(facts, unit) if unit.side == "both" else f"，在{facs.SIDE_ZH[unit.side]}"
            lines.append(f"{_code(au)}：{size}{sides}。")
    if lines:
        return lead + "\n\n".join(lines)
    first = facts.groups[0]
    text = f"{lead}{_group(first)}：{_sizes(first)}。"
    if facts.floor_px > 0:
        ratio = number(first.strongest.magnitude_px / facts.floor_px)
        which = "其中较大的值" if first.side == "both" else "这"
        text += f"{which}是本片段噪声（{number(facts.floor_px)} 像素）的 {ratio} 倍。"
    return f"{text}像素指对齐后 256 像素人脸图中的像素。"


def answer_where(facts: Facts, query: Query) -> str:
    if not facts.groups:
        return short(facts)
    lead = "" if facts.found else short(facts)
    first, *others = facts.groups
    noise = f"噪声（{number(facts.floor_px)} 像素）"
    text = f"{lead}最明显的是{_group(first)}（{_px(first)}）。"
    if others:
        listed = "；".join(f"{_group(group)}（{_px(group)}）" for group in others)
        return f"{text}其次依次为：{listed}。其余区域都低于{noise}。"
    return f"{text}其他区域都没有超过{noise}。"


def answer_region(facts: Facts, query: Query) -> str:
    if not facts.motions:
        return short(facts)
    lines = []
    for name in query.regions[:3]:
        for motion in facts.motions_of(name, query.side):
            size = f"{number(motion.magnitude_px)} 像素（瞳距的 {number(motion.magnitude_iod)}%）"
            if motion.moving:
                lines.append(f"- {_region(motion)}{wording.direction(motion, 'zh')}移动了 {size}。")
            else:
                lines.append(f"- {_region(motion)}没有可测的移动：{size}，噪声为 {number(facts.floor_px)} 像素。")
    lead = "" if facts.found else f"{short(facts)}\n\n"
    return lead + "\n".join(lines) if lines else answer_where(facts, query)


def answer_compare(facts: Facts, query: Query) -> str:
    if not facts.motions:
        return f"没有可以比较的动作。{short(facts)}"
    moved = tuple(dict.fromkeys(motion.name for motion in facts.moving))
    sided = tuple(dict.fromkeys(motion.name for motion in facts.moving if motion.side))  # left and right are compared
    names = query.regions or (sided or moved)[:2]
    lines = [f"- {facs.REGION_ZH.get(name, name)}：{_each_side(facts.motions_of(name))}" for name in names]
    if not lines:
        return short(facts)
    verdicts = (_between_families(facts, names) if query.regions else "") or _between_sides(facts, names)
    return "\n\n".join(part for part in ("" if facts.found else short(facts), "\n".join(lines), verdicts) if part)


def _each_side(motions: tuple[RegionMotion, ...]) -> str:
    told = []
    for motion in motions:
        side = {"left": "左 ", "right": "右 "}.get(motion.side or "", "")
        how = wording.direction(motion, "zh") if motion.moving else "低于噪声"
        told.append(f"{side}{number(motion.magnitude_px)} 像素（{how}）")
    return "，".join(told)


def _between_sides(facts: Facts, names: tuple[str, ...]) -> str:
    told = []
    for name in names:
        pair = facts.motions_of(name)
        if len(pair) == 2 and any(motion.moving for motion in pair):
            told.append(_difference(facts, *sorted(pair, key=lambda motion: -motion.magnitude_px)))
    return "".join(told)


def _between_families(facts: Facts, names: tuple[str, ...]) -> str:
    families: dict[tuple[str, ...], list[RegionMotion]] = {}
    for name in names:
        families.setdefault(family(name), []).extend(facts.motions_of(name))
    if len(families) < 2:
        return ""
    best = [max(motions, key=lambda motion: motion.magnitude_px) for motions in families.values() if motions]
    first, second = sorted(best, key=lambda motion: -motion.magnitude_px)[:2]
    return _difference(facts, first, second) if first.moving else "两者都没有超过噪声。"


def _difference(facts: Facts, more: RegionMotion, less: RegionMotion) -> str:
    gap = more.magnitude_px - less.magnitude_px
    if gap > facts.floor_px:
        return f"{_region(more)}比{_region(less)}多移动 {number(gap)} 像素，差别超过噪声。"
    return (
        f"{_region(more)}与{_region(less)}相差 {number(gap)} 像素，"
        f"在噪声（{number(facts.floor_px)} 像素）范围内，两者大致相当。"
    )


# --------------------------------------------------------------------------------------------- answers: the reading


def answer_emotion(facts: Facts, query: Query) -> str:
    if not facts.found:
        return f"从这段视频读不出情绪。{short(facts)}"
    return f"{_reading(facts)}\n\n{MEASURED}"


def answer_coarse(facts: Facts, query: Query) -> str:
    shares = _shares(facts)
    if not shares:
        return f"无法给出分类：没有认定的动作单元，就没有依据。{'' if facts.found else short(facts)}"
    (best, share), *others = shares
    rest = "，".join(f"{facs.COARSE_ZH[name]} {number(value, 2)}" for name, value in others)
    return (
        f"{facs.COARSE_ZH[best]}，份额为 {number(share, 2)}（{rest}）。这些份额表示各动作单元的支持如何分配，"
        "不是判断正确的概率。"
    )


def answer_named_emotion(facts: Facts, query: Query) -> str:
    return "\n\n".join(_one_emotion(facts, name) for name in query.emotions[:2])


def _one_emotion(facts: Facts, name: str) -> str:
    word = _emotion(name)
    if not facts.found:
        return f"关于{word}，既没有支持的依据，也没有反对的依据。{short(facts)}"
    if not facts.units:
        return f"关于{word}没有依据：动作与任何动作单元都不吻合。"
    best = [one.name for one in wording.readings(facts.emotions)]
    listed = next((one for one in facts.emotions if one.name == name), None)
    if listed and name in best:
        rank = "两种依据最充分的解读之一" if len(best) == 2 else "依据最充分的解读"
        against = _against(facts, listed, "不利的一点：")
        return f"{word}是{rank}，但只是初步的：{_for(facts, listed)}。{against}{MEASURED}"
    instead = f"依据更充分的是{_any_of(best)}" if best else "这里没有依据充分的解读"
    if listed:
        against = _against(facts, listed, "不利的一点：")
        return f"不能排除{word}，但{instead}。支持{word}的一点：{_for(facts, listed)}。{against}"
    return (
        f"运动并不指向{word}。{_pattern_words(facts, name)}已出现的是 {_units_short(facts)}；{instead}。"
        "这不涉及没有表露出来的感受。"
    )


def answer_alternatives(facts: Facts, query: Query) -> str:
    if not facts.found:
        return f"没有首选的解读，因此也没有排除任何解读。{short(facts)}"
    if not facts.emotions:
        return _reading(facts)
    best = [one.name for one in wording.readings(facts.emotions)]
    others = [one for one in facts.emotions if one.name not in best][:3]
    lead = f"也有可能是别的。{_any_of(best)}只是依据最充分的解读。" if best else "没有哪种解读特别突出。"
    lines = "\n".join(
        f"- {_emotion(one.name)}：{_against(facts, one, '') or _pattern_words(facts, one.name)}" for one in others
    )
    body = f"\n\n其次的解读，以及不利于它们的理由：\n\n{lines}" if others else "其他解读在运动中没有依据。"
    return f"{lead}{body}\n\n{MEASURED}"


def answer_why(facts: Facts, query: Query) -> str:
    if query.units:
        return "\n\n".join(
            f"{_code(au)}。{_basis(facts, unit)}" if (unit := facts.unit(au)) else _one_unit(facts, au)
            for au in query.units[:3]
        )
    if not facts.found:
        return _not_found(facts)
    if not facts.units:
        return _no_unit()
    first = facts.groups[0]
    return f"从运动到词语：{_group(first)}（{_px(first)}），这正是 AU{facts.units[0].au} 的作用。{_reading(facts)}"


# --------------------------------------------------------------------------------------------- answers: trust


def answer_reliability(facts: Facts, query: Query) -> str:
    if not facts.found:
        return f"{_not_found(facts)}\n\n{_better_clip(facts)}"
    strongest = facts.groups[0].strongest
    ratio = number(strongest.magnitude_px / facts.floor_px) if facts.floor_px > 0 else "–"
    lines = [
        f"- 运动：可靠。{number(strongest.magnitude_px)} 像素，是本片段静止时噪声（{number(facts.floor_px)} 像素）的 "
        f"{ratio} 倍。"
    ]
    if facts.units:
        told = "，".join(f"AU{unit.au} {_scale(unit)} {number(unit.probability, 2)}" for unit in facts.units)
        lines.append(f"- 动作单元：取决于下列数值（0 到 1）：{told}。")
    lines.append("- 情绪：只是初步推断。同样的动作可以有多种原因。")
    limits = [line for line in (_confusers(facts), _caveats(facts), _rate_line(facts)) if line]
    return "\n".join(lines) + "".join(f"\n\n{line}" for line in limits)


def _confusers(facts: Facts) -> str:
    told = []
    for au in facts.claimed:
        known = facs.AU_BY_NUMBER.get(au)
        if known and known.confusers:
            told.append(f"AU{au} 容易与 {_codes(known.confusers)} 混淆")
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
        line = f"{name}：{'、'.join(_span(span) for span in spans[:LISTED_SPANS])}{more}。"
        if facts.interval is not None and not facts.is_pair:
            touching = "、".join(_span(span) for span in facts.overlaps if span.kind == kind)
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


CHECK_NAMES = {
    "frame rate": "帧率",
    "regularity": "帧间隔",
    "face found": "人脸检出",
    "face size": "人脸大小",
    "pose": "姿态",
    "blur": "清晰度",
    "light": "光照",
    "framing": "取景",
    "faces": "人脸数",
    "file": "文件",
}
SEVERITY_NAMES = {"ok": "良好", "note": "可用", "warning": "需要留意", "unusable": "不可用"}


def answer_quality(facts: Facts, query: Query) -> str:
    clip, verdict = facts.analysis.clip, facts.analysis.verdict
    lines = [
        f"- {CHECK_NAMES.get(check.name, check.name)}：{SEVERITY_NAMES[check.severity]}" for check in verdict.checks
    ]
    size = f"{clip.width} × {clip.height} 像素"
    if facts.is_pair:
        head = f"两张图片，{size}。"
    else:
        head = (
            f"{number(clip.duration_ms / 1000.0)} 秒内 {clip.frame_count} 帧，每秒 {number(clip.frame_rate)} 帧，"
            f"{size}；"
            f"短于 {number(facts.shortest_ms, 0)} 毫秒（{FRAMES_TO_SEE} 帧）的动作无法看到。"
        )
    lost = verdict.frames_face_lost
    missing = f"\n\n{verdict.frames_total} 帧中有 {lost} 帧没有找到人脸。" if lost else ""
    return f"{head}\n\n" + "\n".join(lines) + missing


_ADVICE = {
    "size": "离镜头近一些，让面部至少占画面高度的三分之一",
    "blur": "对焦在面部，并缩短曝光时间",
    "light": "从正面均匀照亮面部，避免闪烁",
    "pose": "正对镜头，侧转会遮住一半的动作",
    "found": "让整张脸始终在画面内",
    "framing": "让整张脸始终在画面内",
    "regular": "用固定帧率录制，不要经过聊天软件或录屏",
}


def _better_clip(facts: Facts) -> str:
    steps = []
    rate = facts.analysis.clip.frame_rate
    if not facts.is_pair and rate < GOOD_FRAME_RATE:
        steps.append(f"以每秒 {number(GOOD_FRAME_RATE, 0)} 帧或更高的帧率录制（本片段为 {number(rate, 0)}）")
    for name in facts.poor_checks():
        steps += [advice for word, advice in _ADVICE.items() if word in name.casefold()]
    if facts.spans("speech"):
        steps.append("让当事人聆听而不是说话")
    if facts.spans("head"):
        steps.append("保持头部不动，最好有依托")
    steps += ["固定相机，光线均匀", "从面部静止开始，到静止结束"]
    return f"想得到更好的视频：{'；'.join(dict.fromkeys(steps))}。"


def answer_better_clip(facts: Facts, query: Query) -> str:
    return _better_clip(facts)


# --------------------------------------------------------------------------------------------- answers: words, pictures

TERM_TEXTS: dict[str, str] = {
    "micro-expression": (
        "微表情是半秒之内结束的面部动作，往往很弱，只涉及面部的一部分。严格定义为 1/25 至 1/5 秒；本程序采用 500 "
        "毫秒的宽松界限。"
    ),
    "macro-expression": "宏表情就是普通的面部表情：超过半秒，通常一眼可见。",
    "onset": "起始帧（onset）是动作开始之前的最后一帧。",
    "apex": "顶点帧（apex）是面部偏离起始状态最远的一帧。它不是动得最快的时刻，最快的时刻在它之前。",
    "offset": "终止帧（offset）是面部恢复静止的那一帧。",
    "action unit": (
        "动作单元（AU）是能够与其他动作区分开的最小可见面部动作，带有编号，并对应一块或几块肌肉。例如 AU12 "
        "把嘴角向上、向外拉。"
    ),
    "facs": (
        "FACS 即面部动作编码系统，按“哪里在动”来描述面部：每个可见动作都是一个带编号的动作单元，有左右和强弱。"
        "它不命名情绪，情绪是之后的解读。"
    ),
    "optical flow": (
        "光流是从一幅图像到另一幅图像每个像素的位移。这里从起始帧算到顶点帧（TV-L1 方法），说明每块皮肤移动了多远、"
        "朝哪个方向。"
    ),
    "noise floor": (
        "噪声水平是面部静止时各区域看起来仍有的移动：来自传感器噪声、压缩以及残余的头部运动。低于它的动作不作认定。"
    ),
    "interocular distance": "瞳距是两个瞳孔之间的距离。位移以瞳距的百分比给出，远近不同的脸才可以比较。",
    "coarse class": "粗分类是消极、积极、惊讶三类，来自 MEGC 竞赛。各语料库在粗分类上比在具体情绪上更一致。",
    "fit": "吻合度从 0 到 1，表示测得的运动与某个动作单元的接近程度，并不是判断正确的概率。",
}


def answer_term(facts: Facts, query: Query) -> str:
    told = []
    for term in query.terms[:3]:
        text = TERM_TEXTS[term]
        interval = facts.interval
        if term in ("onset", "apex", "offset") and facts.found and interval is not None and not facts.is_pair:
            text += f"此处为 {seconds(getattr(interval, f'{term}_ms'))} 秒。"
        if term == "noise floor":
            text += f"此处为 {number(facts.floor_px)} 像素。"
        told.append(text)
    return "\n\n".join(told)


COLOURS = {
    "right": "红",
    "down-right": "橙黄",
    "down": "黄绿",
    "down-left": "绿",
    "left": "青",
    "up-left": "蓝",
    "up": "紫",
    "up-right": "品红或粉",
}


def answer_picture(facts: Facts, query: Query) -> str:
    note = "方向以画面为准，画面右边是当事人的左侧。"
    if query.colours:
        named = "；".join(f"{COLOURS[name]}色表示在画面中{facs.DIRECTION_ZH[name]}运动" for name in query.colours)
        return f"{named}。{note}"
    listed = "，".join(f"{facs.DIRECTION_ZH[name]}为{colour}" for name, colour in COLOURS.items())
    return (
        f"运动图以起始帧的面部为底，叠加到顶点为止的运动。色相表示方向，亮度表示移动的远近：{listed}。{note}\n\n"
        "亮度相对于图中最强的运动，因此静止的面部也会发亮。运动是否算数，以像素衡量，"
        f"与噪声（{number(facts.floor_px)} 像素）比较而定。"
    )


def answer_magnified(facts: Facts, query: Query) -> str:
    return (
        "闪烁视图在录制的起始帧与顶点帧之间切换。放大循环把起始帧沿测得的运动乘以系数 α 变形，并淡去低于噪声的部分。"
        "它只是为了让微小的动作可见，并非真实画面：请以旁边真实的顶点帧为准。"
    )


def answer_method(facts: Facts, query: Query) -> str:
    return (
        "1. 按顺序读取每一帧及其真实时间；用 MediaPipe 人脸关键点把面部对齐到稳定的 256 × 256 像素图中。\n"
        "2. 在整段视频中跟踪各面部区域。头部运动由不受表情影响的部位拟合并去除；不计眼睑，并标出眨眼和说话。\n"
        "3. 某个区域偏离静止状态超过本片段自身的噪声时，确定起始、顶点和终止。\n"
        "4. 从起始帧到顶点帧的稠密光流（TV-L1）给出每个区域的距离和方向。\n"
        "5. 依据 FACS 的规则，与各动作单元应有的运动比较；情绪由动作单元初步推断。\n\n"
        "这些文字由以上数值组成。"
    )


def answer_model(facts: Facts, query: Query) -> str:
    return (
        "这里说话的不是语言模型。我是解说程序：回答由规则根据这段视频的测量结果组成。因此我看不到图像，也不能自由交谈，"
        "只能引用测量到的内容。"
    )


# --------------------------------------------------------------------------------------- answers: what cannot be told


def answer_lie(facts: Facts, query: Query) -> str:
    return (
        "这无法判断。没有哪种面部动作能表明一个人在说谎或隐瞒；微表情不能证明欺骗，受过这类训练的人判断也不比碰运气好"
        "（Burgoon 2018；Jordan 等 2019）。视频只显示什么在何时动了，与真假无关。"
    )


def answer_genuine(facts: Facts, query: Query) -> str:
    text = "动作是出于感受还是做出来的，从动作本身无法判断。"
    if not facts.found:
        return text + short(facts)
    cheek = facts.unit(6)
    if facts.unit(12) is None:
        return f"{text}何况这里没有出现微笑（AU12）。"
    together = (
        f"这里 AU6（脸颊上提）与 AU12 同时出现（{_scale(cheek)} {number(cheek.probability, 2)}）"
        if cheek
        else "这里 AU6（脸颊上提）没有与 AU12 同时出现"
    )
    return f"{text}{together}；但人可以有意抬起脸颊，所以这不能说明问题。"


def answer_health(facts: Facts, query: Query) -> str:
    return "这无法判断。一段视频中的面部运动不能说明疾病、疼痛或精神状态，本程序也不是医疗器械。健康问题请咨询医生。"


def answer_identity(facts: Facts, query: Query) -> str:
    return "我不知道这是谁，也不会去查：本程序只测量运动，不识别任何人，也不保存人脸。"


def answer_traits(facts: Facts, query: Query) -> str:
    return (
        "这些都没有测量，也无法从运动得知：年龄、性别、出身、信仰不行，性格和能力也不行。本程序只说明什么动了、何时动、"
        "动了多少。"
    )


def answer_thoughts(facts: Facts, query: Query) -> str:
    return "面部运动读不出想法、意图或话语。能说明的是面部哪里动了、何时动，以及这样的动作常见于哪些表情。"


def answer_use(facts: Facts, query: Query) -> str:
    return (
        "这是用于研究和教学的演示，请不要据此评判他人。在欧盟，除医疗和安全用途外，禁止在工作场所和学校推断情绪"
        "（《人工智能法》第 5 条第 1 款 f 项），并且必须告知当事人（第 50 条第 3 款）。请只使用经当事人同意的视频。"
        "这不是法律意见。"
    )


def answer_privacy(facts: Facts, query: Query) -> str:
    return (
        "视频只在运行本程序的机器上分析，不会发送给其他人。会话结束后工作文件即被删除；不识别任何人，"
        "除您自己下载的内容外"
        "不作保留。人脸属于生物识别数据：请使用经当事人同意的视频。"
    )


def answer_faces(facts: Facts, query: Query) -> str:
    faces, face = facts.analysis.faces, facts.analysis.face
    if len(faces) <= 1:
        return "这段视频跟踪了一张脸，所有数值都是关于它的。"
    return f"这段视频跟踪了 {len(faces)} 张脸，数值是关于第 {face.track_id} 张的；点选带编号的缩略图即可换成另一张。"


# --------------------------------------------------------------------------------------------- answers: the talk itself

CAN_ANSWER = (
    "您可以问这段视频：什么动了、在哪里、哪一侧；何时、多久、多强；有哪些动作单元；可能表达什么、为什么不是别的；"
    "有多可靠；"
    "眨眼、说话和头部运动；图的颜色；术语的含义；怎样拍得更好。"
)


def answer_help(facts: Facts, query: Query) -> str:
    return CAN_ANSWER


def answer_greeting(facts: Facts, query: Query) -> str:
    return f"您好。{CAN_ANSWER}"


def answer_thanks(facts: Facts, query: Query) -> str:
    return "不客气。随时可以看另一个时段，或换一段视频。"


def answer_empty(facts: Facts, query: Query) -> str:
    return f"没有看到问题。{CAN_ANSWER}"


def answer_foreign(facts: Facts, query: Query) -> str:
    return f"我可以用中文和英文回答（I can answer in English and Chinese）。{CAN_ANSWER}"


def answer_unknown(facts: Facts, query: Query) -> str:
    return f"这个问题我答不了：我只能说明这段视频里测量到的内容。{CAN_ANSWER}"


# --------------------------------------------------------------------------------------------- suggestions


def suggestions(facts: Facts) -> tuple[str, ...]:
    """Three or four questions that make sense for this finding."""
    if not facts.found:
        first = "什么是噪声水平？" if facts.state == "doubtful" else "最大的动作在哪里？"
        return (first, "怎样拍得更好？", "有眨眼或说话吗？", "什么是微表情？")
    unit = facts.units[0] if facts.units else None
    questions = [f"AU{unit.au} 在哪一侧，有多强？" if unit else "哪里动得最明显？"]
    named = wording.readings(facts.emotions)
    others = [one.name for one in facts.emotions if one not in named]
    questions.append(f"为什么不是{_emotion(others[0])}？" if others else "会不会是别的情绪？")
    questions.append("这个结果可靠吗？")
    if len(facts.analysis.spotting.candidates) > 1:
        questions.append("还有其他时段吗？")
    elif facts.slow:
        questions.append("这个帧率能看到什么？")
    else:
        questions.append("颜色代表什么？")
    return tuple(questions)


ANSWERS: dict[Intent, Answer] = {
    Intent(name.removeprefix("answer_")): function
    for name, function in list(globals().items())
    if name.startswith("answer_")
}
