"""Measurements as phrases that answers are made of. Numbers have the digits of the motion prompt: to be copied, not
computed."""

from __future__ import annotations

from mellm_demo import facs, wording
from mellm_demo.headline import clause
from mellm_demo.reasoning.facts import Facts, Group
from mellm_demo.records import ActionUnitEvidence, RegionMotion
from mellm_demo.training.instruct.wordings import Speaker, listed
from mellm_demo.wording import duration, number, seconds


def px(value: float) -> str:
    """“1.24 px”."""
    return f"{number(value, 2)} px"


def where(motion: RegionMotion) -> str:
    """“left mouth corner”."""
    return wording.region(motion.name, motion.side)


def way(motion: RegionMotion) -> str:
    """“up and outwards”."""
    return wording.direction(motion)


def moved(say: Speaker, motion: RegionMotion) -> str:
    """“the left mouth corner moved up and outwards by 1.24 px”."""
    told = say(
        "the [where] {moved|moved|moved|shifted|went} [way] by [px]", where=where(motion), way=way(motion),
        px=px(motion.magnitude_px),
    )  # fmt: skip
    return told[0].lower() + told[1:]


def group(say: Speaker, one: Group) -> str:
    """The same of a pair, with both numbers."""
    if len(one.motions) == 1:
        return moved(say, one.motions[0])
    left, right = one.motions
    values = {"name": one.name, "way": way(left), "left": px(left.magnitude_px), "right": px(right.magnitude_px)}
    text = say(
        "both [name]s {moved|moved|shifted|went} [way]{, the left by [left] and the right by [right]| "
        "(left [left], right [right])|: left [left], right [right]}",
        **values,
    )
    return text[0].lower() + text[1:]


def code(unit: ActionUnitEvidence, *, named: bool = True) -> str:
    """“AU12 (lip corner puller)”."""
    return f"AU{unit.au} ({unit.name.lower()})" if named else f"AU{unit.au}"


def fit(unit: ActionUnitEvidence) -> str:
    """“fit 0.84”, “probability 0.91”: by what its number is."""
    return f"{wording.scale(unit)} {number(unit.probability, 2)}"


def side_of(unit: ActionUnitEvidence) -> str:
    """“on both sides”, “on the left”; empty for units of the midline."""
    if unit.side == "both":
        known = facs.AU_BY_NUMBER.get(unit.au)
        return "on both sides" if known is not None and known.paired else ""
    return f"on the {unit.side}"


def codes(facts: Facts) -> str:
    """“AU4 and AU7”."""
    return listed([code(unit, named=False) for unit in facts.units])


def readings(facts: Facts) -> list[str]:
    """The emotion words that rules read from the units: none, one, or two close ones."""
    return [one.name for one in wording.readings(facts.emotions)]


def coarse(facts: Facts) -> tuple[str, str] | None:
    """The class with the largest share, and the share."""
    evidence = facts.analysis.evidence
    if not facts.units or evidence is None or evidence.coarse is None:
        return None
    shares = {name: float(getattr(evidence.coarse, name)) for name in facs.COARSE_CLASSES}
    best = max(shares, key=lambda name: shares[name])
    return best, number(shares[best], 2)


def noise(facts: Facts) -> str:
    """“0.23 px”, the clip's."""
    return px(facts.floor_px)


def times(facts: Facts) -> dict[str, str]:
    """onset, apex, offset, length; empty where there is no time to tell."""
    interval = facts.interval
    if interval is None or facts.is_pair:
        return {}
    return {
        "onset": seconds(interval.onset_ms),
        "apex": seconds(interval.apex_ms),
        "offset": seconds(interval.offset_ms),
        "length": duration(interval.duration_ms),
    }


def why_nothing(facts: Facts) -> str:
    """Largest movement and noise, as the prompt has them: “the largest movement was 0.3 px and the noise there …”."""
    largest = facts.largest
    digits = wording.digits_apart(largest.px, largest.floor_px)
    size, floor = number(largest.px, digits), number(largest.floor_px, digits)
    return f"the largest movement was {size} px and the noise there {floor} px"


def first_reason(facts: Facts) -> str:
    """The analysis's first reason as a clause; empty where it gave none."""
    reasons = [one for one in facts.analysis.reasons if "were left out" not in one]
    return clause(reasons[0]) if reasons else ""
