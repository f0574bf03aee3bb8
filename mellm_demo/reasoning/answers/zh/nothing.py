"""Why nothing is claimed, at length and in one sentence. Chinese."""

from __future__ import annotations

import re

from mellm_demo import wording
from mellm_demo.reasoning.answers.shared import interval_of, two_numbers
from mellm_demo.reasoning.answers.zh.pieces import group_moved, group_px
from mellm_demo.reasoning.facts import Facts
from mellm_demo.wording import number, seconds

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


def not_found(facts: Facts) -> str:
    """Why nothing is claimed, with the two numbers that decide it."""
    px, noise = two_numbers(facts)
    if facts.state == "chosen_still":
        interval = interval_of(facts)
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
    px, noise = two_numbers(facts)
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
    when = "" if facts.is_pair else f"在 {seconds(interval_of(facts).apex_ms)} 秒前后，"
    return f"{when}{group_moved(first)}（{group_px(first)}，噪声为 {number(facts.floor_px)} 像素）"


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
