"""Action units in a text, by code or name, and the sides that are said of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from mellm_demo import facs
from mellm_demo.reasoning.claims.kinds import Claim, Region, Stance, Units
from mellm_demo.reasoning.claims.sentences import DEFINES, GENERAL, NOT_AFTER, NOT_BEFORE, SHOWN, Sentence
from mellm_demo.reasoning.intents import unit_names
from mellm_demo.records import BothSides

_CODE = re.compile(
    r"(?<![a-z])(?:aus?|action units?|动作单元|运动单元)\s*[-#]?\s*(\d{1,2})(?!\d)(?!\.\d)(?!\s*(?:ms|px|%|个|种))"
    r"((?:\s*(?:\+|,|、|/|和|and)\s*\d{1,2}(?![\d.]|\s*(?:ms|px|%|s\b|秒|毫秒|像素|个|种)))*)"
)
# Between a code and the name that it is said to have: “AU4, brow lowerer”, “AU4 is called the brow lowerer”.
_CALLED = re.compile(
    r"\s*[,:=(–|-]?\s*(?:(?:which |that )?(?:is|are|means?|denotes|refers? to|stands? for)\b\s*(?:also )?)?"
    r"(?:called |named |known as )?(?:即|就是|是指|指的是|是|指|叫做?|称为|名为|为)?\s*[(\"“「]?\s*(?:(?:the|an?) )?"
)
_HAS_CODE = re.compile(r"\s*(?:is|=|即|是)?\s*\(?\s*")  # between a name and its code: “brow lowerer (AU4)”
_EVENT_ALONE = re.compile(r"\s*(?:[)\]|.,;:!?、。\"”」\n]|$)")
_JOIN = re.compile(r"[\s,、/+&()]*(?:and|or|nor|as well as|和|与|或|及|以及)?[\s(]*(?:the )?")
_EVENTS = frozenset({43, 45, 46})  # their names are words for what eyes do anyway


@cache
def _names(events: bool = False) -> re.Pattern[str]:
    names = [name.lower() for name, au in unit_names() if events or au not in _EVENTS]
    return re.compile("|".join(rf"\b{re.escape(n)}\b" if n.isascii() else re.escape(n) for n in names))


def _number_of(name: str) -> int:
    return next(au for known, au in unit_names() if known.lower() == name)


def only_units(inside: str) -> bool:
    """Whether a bracket holds action units and nothing else."""
    rest = _names().sub("", _CODE.sub("", inside))
    return rest != inside and not re.search(r"[^\s,+、和与]", rest)


@dataclass(frozen=True)
class _Naming:
    """A name beside codes, which says that one of them is called so."""

    start: int
    end: int
    codes: tuple[int, ...]
    name: str

    @property
    def right(self) -> bool:
        return _number_of(self.name) in self.codes


def _namings(text: str, start: int, end: int) -> Iterator[_Naming]:
    codes = [(one.start(), one.end(), _numbers(one.group())) for one in _CODE.finditer(text, start, end)]
    for name in _names(events=True).finditer(text, start, end):
        if _number_of(name.group()) in _EVENTS and not _EVENT_ALONE.match(text, name.end(), end):
            continue
        before = _run_before(text, name.start(), codes)
        after = next((one for one in codes if one[0] >= name.end()), None)
        after = after if after and _HAS_CODE.fullmatch(text, name.end(), after[0]) else None
        around = [one for one in (before, after) if one is not None]
        if around:
            first, last = min(one[0] for one in around), max(one[1] for one in around)
            numbers = tuple(au for one in around for au in one[2])
            yield _Naming(min(first, name.start()), max(last, name.end()), numbers, name.group())


def _run_before(
    text: str, place: int, codes: list[tuple[int, int, tuple[int, ...]]]
) -> tuple[int, int, tuple[int, ...]] | None:
    """The codes side by side that a name at this place is said of: “AU1 and AU2 (inner and outer brow raiser)”."""
    run: tuple[int, int, tuple[int, ...]] | None = None
    for start, end, numbers in reversed([one for one in codes if one[1] <= place]):
        if run is None:
            if not _CALLED.fullmatch(text, end, place):
                return None
            run = (start, end, numbers)
        elif _JOIN.fullmatch(text, end, run[0]):
            run = (start, run[1], (*numbers, *run[2]))
        else:
            break
    return run


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(digits) for digits in re.findall(r"\d+", text))


def name_claims(sentence: Sentence) -> Iterator[Claim]:
    """Units that are called by a name, right or wrong, whether they are shown or not."""
    for one in _namings(sentence.text, sentence.start, sentence.end):
        if not one.right:
            yield Claim(one.start, one.end, "name", units=one.codes, word=one.name)


def find_units(text: str, start: int, end: int) -> list[Units]:
    """Action units named side by side, as one: “AU4 and AU7”, “AU12, lip corner puller”."""
    wrong = {one.name for one in _namings(text, start, end) if not one.right}  # say nothing of the unit they belong to
    found = [Units(one.start(), one.end(), _numbers(one.group())) for one in _CODE.finditer(text, start, end)]
    found += [
        Units(one.start(), one.end(), () if one.group() in wrong else (_number_of(one.group()),), True)
        for one in _names().finditer(text, start, end)
    ]
    found.sort(key=lambda one: one.start)
    groups: list[Units] = []
    for one in found:
        again = groups and not one.named and set(one.units) & set(groups[-1].units)  # “AU4 + AU5, AU4 is shown”
        if groups and not again and one.start >= groups[-1].end and _JOIN.fullmatch(text, groups[-1].end, one.start):
            units = tuple(dict.fromkeys((*groups[-1].units, *one.units)))
            groups[-1] = Units(groups[-1].start, one.end, units, groups[-1].named and one.named)
        elif not groups or one.start >= groups[-1].end:
            groups.append(one)
    return groups


def events_listed(text: str) -> tuple[int, ...]:
    """Units whose names are words for what eyes do anyway, where such a name is an item of a list: “…, eyes closed”."""
    items = {item.strip().lower() for item in re.split(r"[,;.\n]|\band\b", text)}
    return tuple(au for name, au in unit_names() if au in _EVENTS and name.lower() in items)


def unit_claims(sentence: Sentence, groups: list[Units]) -> Iterator[Claim]:
    """Action units that are said to be shown, or not."""
    text, defined = sentence.text, False
    for place, group in enumerate(groups):
        if defined and group.named:
            continue
        before_from = groups[place - 1].end if place else sentence.start
        start, end = sentence.clause(group.start)
        before = text[max(before_from, start) : group.start]
        stance: Stance = "yes"
        if NOT_AFTER.match(text, group.end, sentence.end) or NOT_BEFORE.search(before):
            stance = "no"
        elif SHOWN.match(text, group.end, sentence.end):
            stance = "yes"
        elif DEFINES.match(text, group.end, sentence.end) and len(group.units) == 1:
            defined = True
            if not sentence.answered:
                continue
            stance = "no" if sentence.answered == "no" else "yes"
        elif GENERAL.search(text, start, end) and not re.search(r"\bcomplete\b|全部出现", text[start:end]):
            continue
        if sentence.supposed and not sentence.answered:
            continue
        if stance == "no" and GENERAL.search(text, max(before_from, start), group.start):
            continue
        for au in group.units:
            yield Claim(group.start, group.end, "unit", stance, units=(au,))


_SIDED = re.compile(
    r"\b(?:on|at|of)?\s*(?:the |its |their )?(?:subject's )?(left|right)(?:[ -]side(?:d)?)?\b"
    r"(?!\s*(?:and|or) (?:left|right))"
    r"|\b(both sides|bilateral(?:ly)?|on both)\b|(左侧|右侧|左边|右边|左|右)|(双侧|两侧|两边)"
    r"|\b(one[- ]sided|unilateral(?:ly)?|on one side)\b|(单侧|一侧)"
)


def side_claims(sentence: Sentence, groups: list[Units], regions: list[Region]) -> Iterator[Claim]:
    """Sides said of action units: right before one, or after it with no region between."""
    text, groups = sentence.text, [one for one in groups if one.units]
    for found in _SIDED.finditer(text, sentence.start, sentence.end):
        start, end = sentence.clause(found.start())
        if sentence.supposed or GENERAL.search(text, start, end) or NOT_BEFORE.search(text, start, found.start()):
            continue
        word_at = found.start(found.lastindex or 0)  # “the left eye”: the side of a region, not of a unit
        if any(one.start <= word_at < one.end for one in regions) or in_picture(text, found.end()):
            continue
        after = next((one for one in groups if 0 <= one.start - found.end() <= 1), None)
        last = max((one for one in groups if one.end <= found.start()), key=lambda one: one.start, default=None)
        if after is None and (last is None or text.find("\n", last.end, found.start()) >= 0):
            continue
        group = after or last
        if group is None or (not after and any(group.end <= one.start < found.start() for one in regions)):
            continue
        # “AU12: 2.1 px, right 1.9 px” is about the number; “AU12: 2.1 px, on the right” about the unit
        counted = re.search(r"\d", text[group.end : found.start()]) and not re.match(r"\s*(?:on|在)", found.group())
        if counted and after is None:
            continue
        if NOT_AFTER.match(text, group.end, sentence.end) or re.search(
            r"neither|都不", text[group.end : found.start()]
        ):
            continue
        word = found.group().strip()
        side: BothSides = "both" if found[2] or found[4] else ("left" if re.search(r"left|左", word) else "right")
        one_sided = bool(found[5] or found[6])
        tail = text[found.end() : found.end() + 14]
        yield Claim(
            found.start(),
            found.end(),
            "side",
            units=group.units,
            side=None if one_sided else side,
            only=one_sided or bool(re.match(r"\s*(?:side )?(?:only|alone)", tail)),
        )


def in_picture(text: str, place: int) -> bool:
    """Whether a side or way at this place is meant as in the image."""
    return bool(re.match(r"\s*(?:of|in) the (?:picture|image)|\s*of the face crop", text[place : place + 24]))


def names_of(units: tuple[int, ...]) -> tuple[str, ...]:
    """Region names that define these action units."""
    known = (facs.AU_BY_NUMBER.get(au) for au in units)
    return tuple(one.region.replace("_", " ") for unit in known if unit for one in unit.expectations)
