"""The first explanation, in three titled steps. Chinese."""

from __future__ import annotations

from mellm_demo.reasoning.answers.shared import LISTED_SPANS, SHOWN_GROUPS, interval_of
from mellm_demo.reasoning.answers.zh.nothing import not_found
from mellm_demo.reasoning.answers.zh.pieces import (
    SPAN_NAMES,
    duration_told,
    group_moved,
    group_px,
    group_sizes,
    span_times,
)
from mellm_demo.reasoning.answers.zh.readings import MEASURED, reading_told
from mellm_demo.reasoning.answers.zh.recording import better_clip
from mellm_demo.reasoning.answers.zh.times import kind_sentence
from mellm_demo.reasoning.answers.zh.trust import caveats
from mellm_demo.reasoning.answers.zh.units import no_unit, unit_lines
from mellm_demo.reasoning.facts import Facts
from mellm_demo.reasoning.intents import Query
from mellm_demo.wording import number, seconds

TITLES = ("**哪里动了**", "**对应哪些动作单元**", "**可能表达什么**")


def explain(facts: Facts) -> str:
    """The first explanation: three titled steps, then what to keep in mind."""
    steps = _explain_found(facts) if facts.found else _explain_nothing(facts)
    return "\n\n".join(f"{title}\n\n{step}" for title, step in zip(TITLES, steps, strict=True))


def answer_explain(facts: Facts, query: Query) -> str:
    return explain(facts)


def _explain_found(facts: Facts) -> tuple[str, str, str]:
    interval, first, *others = interval_of(facts), *facts.groups
    moved = f"{_when_moved(facts)}{group_moved(first)}：{group_sizes(first)}。"
    if not facts.is_pair:
        rise = duration_told(interval.apex_ms - interval.onset_ms)
        moved += f"位移在 {seconds(interval.apex_ms)} 秒达到最大，即起始之后 {rise}。"
    noise = f"本片段的噪声（{number(facts.floor_px)} 像素）"
    if others:
        listed = "；".join(f"{group_moved(group)}（{group_px(group)}）" for group in others[:SHOWN_GROUPS])
        left_out = len(others) - SHOWN_GROUPS
        more = f"；另有 {left_out} 处较弱" if left_out > 0 else ""
        moved += f"同样超过{noise}的还有：{listed}{more}。"
    else:
        moved += f"其他区域都没有超过{noise}。"
    return (
        f"{moved}{kind_sentence(facts)}",
        unit_lines(facts) if facts.units else no_unit(),
        "\n\n".join(part for part in (reading_told(facts), caveats(facts), MEASURED) if part),
    )


def _explain_nothing(facts: Facts) -> tuple[str, str, str]:
    scale = f"这里 1 像素相当于瞳距的 {number(facts.percent(1.0))}%。"
    meaning = (
        "从这段视频无法判断。这并不表示当事人没有感受：静止的面部，与对这段录像来说过小或过短的动作，看起来是一样的。"
    )
    return (
        f"{not_found(facts)}{_set_aside(facts)}{scale}",
        "没有认定任何动作单元：动作单元需要高于噪声、并具有自身时间过程的运动。",
        f"{meaning}\n\n{better_clip(facts)}",
    )


def _when_moved(facts: Facts) -> str:
    interval = interval_of(facts)
    if facts.is_pair:
        return "从起始图到顶点图，"
    chosen = "（您设定的标记）" if interval.by_user else ""
    least = "至少" if not interval.complete else ""
    span = f"从 {seconds(interval.onset_ms)} 秒到 {seconds(interval.offset_ms)} 秒"
    return f"{span}{chosen}，{least}持续 {duration_told(interval.duration_ms)}，"


def _set_aside(facts: Facts) -> str:
    told = [part for kind in SPAN_NAMES if (part := _counted(facts, kind))]
    return f"已排除在外的有：{'、'.join(told)}。" if told else ""


def _counted(facts: Facts, kind: str) -> str:
    spans = facts.spans(kind)
    if not spans:
        return ""
    times = "，".join(span_times(span) for span in spans[:LISTED_SPANS]) + ("……" if len(spans) > LISTED_SPANS else "")
    return f"{len(spans)} 次{SPAN_NAMES[kind]}（{times}）"
