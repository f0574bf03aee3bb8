"""When it happened, how long it lasted, whether that makes it micro or macro. Chinese."""

from __future__ import annotations

from mellm_demo.reasoning.answers.shared import interval_of
from mellm_demo.reasoning.answers.zh.nothing import short
from mellm_demo.reasoning.answers.zh.pieces import duration_told
from mellm_demo.reasoning.facts import MICRO_LIMIT_MS, Facts
from mellm_demo.reasoning.intents import Query
from mellm_demo.wording import number, seconds


def kind_sentence(facts: Facts) -> str:
    """Micro or macro by its length, or why that stays open."""
    interval = interval_of(facts)
    if facts.is_pair:
        return "两张图片不含时间信息，因此无法判断是微表情还是宏表情。"
    limit = duration_told(MICRO_LIMIT_MS)
    open_end = "" if interval.complete else "视频内面部尚未恢复静止，因此实际持续时间更长。"
    if interval.kind == "micro":
        return open_end or f"持续时间不超过 {limit}，按时长属于微表情。"
    return f"{open_end}持续时间超过 {limit}，属于宏表情，即普通的、明显可见的表情。"


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
    parts = f"到顶点用了 {duration_told(interval.apex_ms - interval.onset_ms)}"
    if interval.complete:
        parts += f"，之后 {duration_told(interval.offset_ms - interval.apex_ms)}恢复静止"
    least = "至少" if not interval.complete else ""
    return (
        f"{least}持续 {duration_told(interval.duration_ms)}：{parts}。两端各精确到一帧，即 {number(facts.step_ms, 0)} "
        "毫秒。"
        f"{kind_sentence(facts)}"
    )


def answer_kind(facts: Facts, query: Query) -> str:
    if not facts.found:
        return f"没有发现可靠的微表情。{short(facts)}"
    if facts.is_pair:
        return kind_sentence(facts)
    interval = interval_of(facts)
    length, limit = duration_told(interval.duration_ms), duration_told(MICRO_LIMIT_MS)
    if facts.kind is None:
        return f"尚无定论：至少持续 {length}。{kind_sentence(facts)}"
    if facts.kind == "micro":
        return f"按时长是微表情：持续 {length}，界限为 {limit}。"
    least = "" if interval.complete else "至少"
    return f"按时长是宏表情：{least}持续 {length}，超过微表情的界限 {limit}。"
