"""The finding in one or two sentences: how long, where, which side, what moved, when; then what it is consistent with.

Measured words only: no percentages of emotions, and no action units where the finding is not reliable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mellm_demo import facs, wording
from mellm_demo.records import ActionUnitEvidence, Evidence, Interval, RegionMotion, Spotting
from mellm_demo.wording import Language

NAMED_UNITS = 2  # a headline names no more action units than this
HARDLY_ABOVE = 1.5  # × the noise; below this nobody would see more than noise in it
SECOND_UNIT_FIT = 0.5  # a further action unit is named in the headline from this fit on


def headline(
    interval: Interval | None,
    evidence: Evidence | None,
    spotting: Spotting,
    reasons: Sequence[str],
    *,
    reliable: bool,
    language: Language = "en",
) -> str:
    """The sentence at the top of the page.

    “For 180 ms both lip corners rose (AU12), strongest at 1.24 s. That fits a brief smile.” Where nothing is reliable:
    “No reliable micro-expression: the largest movement (0.3 px) stays under this clip's noise (0.4 px).”
    """
    if not reliable or interval is None or evidence is None:
        return _nothing(interval, evidence, spotting, reasons, language)
    moved = _units(named_units(evidence), language) or _regions(evidence, language)
    if not moved:
        return _nothing(interval, evidence, spotting, reasons, language)
    if language == "zh":
        return f"{_frame_zh(interval, moved)}{_reading(interval, evidence, language)}"
    return f"{_frame_en(interval, moved)} {_reading(interval, evidence, language)}"


@dataclass(frozen=True)
class Largest:
    """The largest movement there is to report, and the noise that it has to exceed, both in px."""

    px: float
    floor_px: float
    region: int | None = None  # column of the curve; None where the movement is one between the user's marks
    row: int | None = None  # row of the curve

    @property
    def rank(self) -> Literal["under", "hardly", "above"]:
        """Where it stands against the noise. What is hardly above it may be chance, at one instant of many."""
        if self.px <= self.floor_px:
            return "under"
        return "hardly" if self.px <= HARDLY_ABOVE * self.floor_px else "above"


def largest_movement(interval: Interval | None, evidence: Evidence | None, spotting: Spotting) -> Largest:
    """The movement that stands out most from its own region's noise: in the user's interval, else anywhere.

    Lids are left out, since they move with every blink and glance.
    """
    if interval is not None and interval.by_user and evidence is not None and evidence.regions:
        return Largest(max(region.magnitude_px for region in evidence.regions), spotting.noise_floor_px)
    energy, floor = spotting.region_energy_px, spotting.region_floor_px
    keys = facs.REGION_KEYS
    if energy.ndim != 2 or not energy.size or energy.shape[1] != len(keys) or len(floor) != len(keys):
        return Largest(0.0, spotting.noise_floor_px)
    lids = np.array([facs.REGION_BY_KEY[key].lid for key in keys])
    ratio = np.where(np.isfinite(energy) & ~lids, energy / np.maximum(floor, 1e-6), -1.0)
    row, region = np.unravel_index(int(ratio.argmax()), ratio.shape)
    if not ratio[row, region] >= 0:  # nothing was measured
        return Largest(0.0, spotting.noise_floor_px)
    return Largest(float(energy[row, region]), float(floor[region]), int(region), int(row))


def named_units(evidence: Evidence) -> tuple[ActionUnitEvidence, ...]:
    """The one or two action units that the headline is about."""
    best, *others = evidence.action_units or (None,)
    if best is None:
        return ()
    return (best, *(unit for unit in others if unit.probability >= SECOND_UNIT_FIT))[:NAMED_UNITS]


# ------------------------------------------------------------------------------------------ what moved


def _frame_en(interval: Interval, moved: str) -> str:
    if interval.offset <= interval.apex:  # a pair, or no course after the apex: there is no duration to tell
        return f"From onset to apex {moved}."
    least = "" if interval.complete else "at least "
    chosen = " between the marks that you set," if interval.by_user else ""
    length = wording.duration(interval.duration_ms)
    return f"For {least}{length}{chosen} {moved}, strongest at {wording.seconds(interval.apex_ms)} s."


def _frame_zh(interval: Interval, moved: str) -> str:
    if interval.offset <= interval.apex:
        return f"从起始帧到顶点帧，{moved}。"
    least = "" if interval.complete else "至少 "
    chosen = "（您设定的区间）" if interval.by_user else ""
    length = wording.duration(interval.duration_ms, "zh")
    gap = "" if least else " "
    return f"在{gap}{least}{length}{chosen}内，{moved}，{wording.seconds(interval.apex_ms)} 秒时最明显。"


def _units(units: Sequence[ActionUnitEvidence], language: Language) -> str:
    """“both lip corners (AU12) and both cheeks (AU6) rose”; the verb once where it is the same."""
    if not units:
        return ""
    parts = [wording.part(unit.au, unit.name, unit.side, language) for unit in units]
    verbs = [wording.verb(unit.au, language) for unit in units]
    codes = [f"AU{unit.au}" for unit in units]
    if language == "zh":
        return "，".join(f"{part}{verb}（{code}）" for part, verb, code in zip(parts, verbs, codes, strict=True))
    if len(units) > 1 and len(set(verbs)) == 1:
        named = [f"{part} ({code})" for part, code in zip(parts, codes, strict=True)]
        return f"{wording.joined(named)} {verbs[0]}"
    return wording.joined([f"{part} {verb} ({code})" for part, verb, code in zip(parts, verbs, codes, strict=True)])


def _regions(evidence: Evidence, language: Language) -> str:
    """What moved most where the motion fits no action unit: “the left cheek moved up by 0.8 px”."""
    strongest = max((region for region in evidence.regions if region.moving), key=_size, default=None)
    if strongest is None:
        return ""
    where = wording.region(strongest.name, strongest.side, language)
    how = wording.direction(strongest, language)
    px = wording.number(strongest.magnitude_px)
    if language == "zh":
        return f"{where}{how}移动了 {px} 像素"
    return f"the {where} moved {how} by {px} px"


def _size(region: RegionMotion) -> float:
    return region.magnitude_px


# ------------------------------------------------------------------------------------------ what it is consistent with


def _reading(interval: Interval, evidence: Evidence, language: Language) -> str:
    if not evidence.action_units:
        return "这与已知的动作单元都不吻合。" if language == "zh" else "That fits none of the action units looked for."
    brief = interval.kind == "micro" and interval.complete and interval.offset > interval.apex
    smile = any(unit.au == 12 for unit in evidence.action_units)
    named = [one.name for one in wording.readings(evidence.emotions)]
    if not named:
        return "仅凭这一动作不能推断出某种情绪。" if language == "zh" else "No particular emotion follows from that."
    sign = wording.sign_of(named, brief=brief, smile=smile, language=language)
    if language == "zh":
        return f"这与{sign}相符{'，仅凭运动无法区分' if len(named) > 1 else ''}。"
    return f"That fits {sign}{'; the motion alone does not decide' if len(named) > 1 else ''}."


# ------------------------------------------------------------------------------------------ nothing reliable


def _nothing(
    interval: Interval | None,
    evidence: Evidence | None,
    spotting: Spotting,
    reasons: Sequence[str],
    language: Language,
) -> str:
    most = largest_movement(interval, evidence, spotting)
    largest, floor = most.px, most.floor_px
    digits = wording.digits_apart(largest, floor)
    px, noise = wording.number(largest, digits), wording.number(floor, digits)
    if most.rank != "above" and (not reasons or any(tells_size(reason) for reason in reasons)):
        stays_en, stays_zh = ("stays under", "低于") if most.rank == "under" else ("hardly exceeds", "仅略高于")
        where_zh, where_en = ("您设定的区间内", " between your marks") if _chosen(interval) else ("", "")
        if language == "zh":
            return f"未发现可靠的微表情：{where_zh}最大位移（{px} 像素）{stays_zh}本片段的噪声（{noise} 像素）。"
        return (
            f"No reliable micro-expression: the largest movement{where_en} ({px} px) "
            f"{stays_en} this clip's noise ({noise} px)."
        )
    if language == "zh":
        return f"未发现可靠的微表情：测到的运动（最大 {px} 像素）不足以支持结论。"
    because = clause(reasons[0]) if reasons else f"the movement ({px} px) does not have the course of an expression"
    return f"No reliable micro-expression: {because}."


def _chosen(interval: Interval | None) -> bool:
    return interval is not None and interval.by_user


def tells_size(reason: str) -> bool:
    """Whether a reason is about the size of the movement (and not, say, about the frame rate or about speech)."""
    return any(words in reason.casefold() for words in ("largest movement", "no region moved"))


def clause(sentence: str) -> str:
    """A sentence made fit to follow a colon: no capital (unless it begins a name or a code), no full stop."""
    text = sentence.strip().rstrip(".")
    starts_word = len(text) > 1 and text[0].isupper() and (text[1].islower() or text[1] == " ") and text[:2] != "I "
    return text[0].lower() + text[1:] if starts_word else text
