"""Words for what is measured, which other sentences are made of: groups of regions, sizes, times, codes. Chinese."""

from __future__ import annotations

from mellm_demo import facs, wording
from mellm_demo.reasoning.facts import Facts, Group
from mellm_demo.records import ActionUnitEvidence, RegionMotion, Span
from mellm_demo.wording import number, seconds


def group_moved(group: Group) -> str:
    """“双侧嘴角向外上方移动”."""
    return f"{wording.region(group.name, group.side, 'zh')}{wording.direction(group.strongest, 'zh')}移动"


def group_px(group: Group) -> str:
    """How far a group moved, in px: both sides where there are two."""
    if group.side == "both":
        left, right = group.motions
        return f"左 {number(left.magnitude_px)} 像素，右 {number(right.magnitude_px)} 像素"
    return f"{number(group.motions[0].magnitude_px)} 像素"


def group_sizes(group: Group) -> str:
    """Magnitudes in px and in per cent of the interocular distance."""
    if group.side == "both":
        left, right = group.motions
        return (
            f"左侧 {number(left.magnitude_px)} 像素，右侧 {number(right.magnitude_px)} 像素，"
            f"分别为瞳距的 {number(left.magnitude_iod)}% 和 {number(right.magnitude_iod)}%"
        )
    only = group.motions[0]
    return f"{number(only.magnitude_px)} 像素，为瞳距的 {number(only.magnitude_iod)}%"


def span_times(span: Span) -> str:
    """From when to when a span lasts."""
    return f"{seconds(span.start_ms)}–{seconds(span.end_ms)} 秒"


def code(au: int) -> str:
    """An action unit by its number and name."""
    return f"AU{au} {_name(au)}"


def _name(au: int) -> str:
    known = facs.AU_BY_NUMBER.get(au)
    return known.name_zh if known else "未收录"


def codes(units: tuple[int, ...]) -> str:
    """Action units by their numbers alone."""
    return "、".join(f"AU{au}" for au in units)


def claimed_codes(facts: Facts) -> str:
    """The numbers of all action units that are claimed."""
    return codes(facts.claimed)


SPAN_NAMES = {"blink": "眨眼", "speech": "说话", "head": "头部转动", "gap": "人脸缺失"}


def duration_told(ms: float) -> str:
    """A length of time in Chinese."""
    return wording.duration(ms, "zh")


def region_told(motion: RegionMotion) -> str:
    """A region with its side in Chinese."""
    return wording.region(motion.name, motion.side, "zh")


def scale_word(unit: ActionUnitEvidence) -> str:
    """What the number beside an action unit is: a probability or a fit."""
    return wording.SCALE_ZH[wording.scale(unit)]


def emotion_word(name: str) -> str:
    """An emotion in Chinese."""
    return wording.emotion(name, "zh")
