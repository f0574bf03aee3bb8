"""What an answer claims, held against what was measured: which statements the evidence supports, and which it does not.

Pure text and numbers. Sentences about the face that yield no statement (see ``claims``) are counted apart: they could
not be checked. “All supported” means that nothing found contradicts the measurements, not that the answer is good. A
number counts as supported if it rounds to a measured one with the digits told; a reading counts if the rules have it
among theirs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from mellm_demo import facs, wording
from mellm_demo.reasoning.claims import Claim, answered, listed, names_of, read, unclaimed, worded
from mellm_demo.reasoning.facts import MICRO_LIMIT_MS, Facts, closest_word
from mellm_demo.reasoning.intents import language_of
from mellm_demo.records import CROP_PX, Analysis, Interval, RegionMotion, Statement
from mellm_demo.wording import Language, duration, joined, number, seconds

Kind = Literal[
    "action unit",
    "list",
    "name",
    "side",
    "region",
    "count",
    "direction",
    "emotion",
    "class",
    "type",
    "magnitude",
    "time",
    "duration",
    "share",
]
KINDS: dict[str, Kind] = {
    "unit": "action unit",
    "word": "emotion",
    "px": "magnitude",
    "percent": "magnitude",
    "ratio": "magnitude",
    "fit": "share",
}

MOST_LISTED = 6  # units that whoever lists them must name; any further are the weakest
SIDEWAYS = 0.3  # a part of a direction counts from this share of the other part on, a little under the octant's edge
IMAGE_WAY_DEG = 50.0  # an image direction may be this far from the measured one: its octant and a little
COMMON_MS = (MICRO_LIMIT_MS, 200.0, 40.0, 260.0)  # limits of the definitions (Yan et al. 2013)


@dataclass(frozen=True)
class Grounding:
    """All statements that were found in an answer, in their order, and where it spoke of the face without one."""

    statements: tuple[Statement, ...]
    language: Language
    unchecked: tuple[tuple[int, int], ...] = ()  # start and end of each sentence that could not be checked

    @property
    def unsupported(self) -> tuple[Statement, ...]:
        return tuple(one for one in self.statements if not one.supported)

    @property
    def tally(self) -> str:
        """One line: how many were checked, how many are not supported, how many sentences could not be checked."""
        return self._tally_zh() if self.language == "zh" else self._tally_en()

    def _tally_en(self) -> str:
        count, wrong, unclear = len(self.statements), len(self.unsupported), len(self.unchecked)
        missed = f"{unclear} sentence{'s' if unclear != 1 else ''} could not be checked"
        if not count:
            return f"no statement checked; {missed}" if unclear else "no statement that could be checked"
        checked = f"{count} statement{'s' if count != 1 else ''} checked"
        if wrong:
            told = f"{checked}, {wrong} not supported by the measurements"
        else:
            told = f"{checked}, {'all' if count != 1 else 'it is'} supported by the measurements"
        return f"{told}; {missed}" if unclear else told

    def _tally_zh(self) -> str:
        count, wrong, unclear = len(self.statements), len(self.unsupported), len(self.unchecked)
        if not count:
            return f"没有核对任何陈述；有 {unclear} 句无法核对" if unclear else "没有可以核对的陈述"
        told = f"核对了 {count} 条陈述，{f'其中 {wrong} 条没有测量依据' if wrong else '均有测量依据'}"
        return f"{told}；另有 {unclear} 句无法核对" if unclear else told


def check(text: str, analysis: Analysis, language: Language | None = None, question: str = "") -> Grounding:
    """Hold an answer against an analysis.

    language: of the words in the outcome; by default the answer's own. question: what is answered, so that a bare
    “Yes” says something; empty for an explanation that nobody asked for.
    """
    language = language or language_of(text)
    judge = _Judge(Facts(analysis), language)
    claims = read(text)
    if question:
        claims = (*answered(text, question), *claims, *worded(text, question), *listed(text, question, claims))
    return Grounding(tuple(judge.statement(claim) for claim in claims), language, unclaimed(text, claims))


@dataclass(frozen=True)
class _Judge:
    facts: Facts
    language: Language

    def statement(self, claim: Claim) -> Statement:
        supported, said, why = getattr(self, f"_{claim.kind}")(claim)
        kind = KINDS.get(claim.kind, claim.kind)
        if claim.kind == "region" and claim.ways:
            kind = "direction"
        return Statement(claim.start, claim.end, kind, said, supported, why)

    def _say(self, english: str, chinese: str) -> str:
        return chinese if self.language == "zh" else english

    # ------------------------------------------------------------------------------------------ action units

    def _unit(self, claim: Claim) -> tuple[bool, str, str]:
        if not claim.units:
            said = self._say("that action unit is shown", "出现了该动作单元")
            return claim.stance == "no", said, self._say("no unit of that name is looked for", "未检测这一名称的单元")
        au = claim.units[0]
        shown = au in self.facts.claimed
        if claim.stance == "no":
            said = self._say(f"AU{au} is not shown", f"没有出现 AU{au}")
        else:
            said = self._say(f"AU{au} is shown", f"出现了 AU{au}")
        return shown == (claim.stance != "no"), said, self._claimed()

    def _list(self, claim: Claim) -> tuple[bool, str, str]:
        """Whether no unit is missing; those that are too many are claims of their own."""
        codes = joined([f"AU{au}" for au in claim.units], self.language)
        wanted = {unit.au for unit in self.facts.units[:MOST_LISTED]}
        said = self._say(f"no other unit than {codes}", f"除 {codes} 外没有其他单元")
        return wanted <= set(claim.units), said, self._claimed()

    def _name(self, claim: Claim) -> tuple[bool, str, str]:
        """A name beside a code; those that are right are no claims."""
        code = joined([f"AU{au}" for au in claim.units], self.language)
        known = [facs.AU_BY_NUMBER[au] for au in claim.units if au in facs.AU_BY_NUMBER]
        names = joined([one.name_zh if self.language == "zh" else one.name for one in known], self.language)
        why = self._say(f"{code} is the {names}", f"{code} 是{names}")
        if not known:
            why = self._say(f"{code} has no such name", f"{code} 没有这个名称")
        return False, self._say(f"{code} is called {claim.word}", f"{code} 称为{claim.word}"), why

    def _claimed(self) -> str:
        if not self.facts.found:
            return self._say("no action unit is claimed in this clip", "这段视频没有认定任何动作单元")
        codes = [f"AU{au}" for au in self.facts.claimed]
        if not codes:
            return self._say("the motion fits no action unit", "运动与任何动作单元都不吻合")
        return self._say(f"the motion supports {joined(codes)}", f"运动支持 {joined(codes, 'zh')}")

    def _side(self, claim: Claim) -> tuple[bool, str, str]:
        units = [unit for unit in self.facts.units if unit.au in claim.units]
        code = joined([f"AU{au}" for au in claim.units], self.language)
        if claim.side is None:
            said = self._say(f"{code} on one side", f"{code} 单侧")
            right = bool(units) and all(unit.side != "both" for unit in units)
        else:
            side = self._side_word(claim.side)
            said = self._say(f"{code} on {side}", f"{code} {side}")
            right = bool(units) and all(unit.side == claim.side for unit in units)
        found = [f"AU{unit.au} {self._side_word(unit.side)}" for unit in units]
        return right, said, joined(found, self.language) if found else self._claimed()

    def _side_word(self, side: str) -> str:
        if self.language == "zh":
            return facs.SIDE_ZH[side]
        return "both sides" if side == "both" else f"the {side}"

    # ------------------------------------------------------------------------------------------ regions

    def _motions(self, claim: Claim) -> list[RegionMotion]:
        side = None if claim.side == "both" else claim.side
        return [m for m in self.facts.motions if m.name in claim.names and side in (None, m.side)]

    def _region(self, claim: Claim) -> tuple[bool, str, str]:
        motions = self._motions(claim)
        name = "/".join(dict.fromkeys(wording.region(n, claim.side, self.language) for n in claim.names))
        if claim.stance == "no":
            one = len(claim.names) == 1 or claim.side == "both"
            right = not any(m.moving for m in motions) if one else not all(m.moving for m in motions)
            return right, self._say(f"{name} did not move", f"{name}没有移动"), self._measured(motions)
        fits = [m for m in motions if m.moving and all(_goes(m, way) for way in claim.ways)]
        if claim.side == "both":
            right = any({"left", "right"} <= {m.side for m in fits if m.name == one} for one in claim.names)
            right = right or any(m.side is None for m in fits)
        else:
            right = bool(fits)
        ways = " ".join(way.removeprefix("image:") for way in claim.ways)
        said = self._say(f"{name} moved {ways}".strip(), f"{name}移动{f'（{ways}）' if ways else ''}")
        return right, said, self._measured(motions)

    def _count(self, claim: Claim) -> tuple[bool, str, str]:
        here = [one for one in facs.REGIONS if one.name in claim.names and (claim.side in (None, "both", one.side))]
        name = wording.region(claim.names[0], None, self.language)
        said = self._say(f"{_told(claim)} times the {name}", f"{_told(claim)} 个{name}")
        return claim.value <= len(here), said, self._say(f"a face has {len(here)}", f"一张脸有 {len(here)} 个")

    def _measured(self, motions: Iterable[RegionMotion]) -> str:
        told = []
        for motion in motions:
            where, px = wording.region(motion.name, motion.side, self.language), number(motion.magnitude_px)
            way = wording.direction(motion, self.language)
            if self.language == "zh":
                told.append(f"{where}{way}移动 {px} 像素" if motion.moving else f"{where}低于噪声（{px} 像素）")
            else:
                told.append(
                    f"{where} moved {way} by {px} px" if motion.moving else f"{where} under the noise ({px} px)"
                )
        return "; ".join(told[:4]) or self._say("nothing was measured there", "该处没有测量值")

    # ------------------------------------------------------------------------------------------ readings

    def _emotion(self, claim: Claim) -> tuple[bool, str, str]:
        best = [one.name for one in wording.readings(self.facts.emotions)]
        listed = [one.name for one in self.facts.emotions]
        word = wording.emotion(claim.word, self.language)
        if claim.stance == "no":
            return claim.word not in best, self._say(f"not {word}", f"不是{word}"), self._readings(best)
        if claim.stance == "weak":
            near = listed + ([closest_word(self.facts)] if self.facts.units else [])
            return claim.word in near, self._say(f"possibly {word}", f"可能是{word}"), self._readings(listed)
        return claim.word in best, word, self._readings(best)

    def _word(self, claim: Claim) -> tuple[bool, str, str]:
        """The one word that goes with the class of the largest share, so that the two never disagree."""
        best = closest_word(self.facts) if self.facts.units else None
        word = wording.emotion(claim.word, self.language)
        if best is None:
            return False, word, self._say("no word follows from the measurements", "测量结果不能给出任何词")
        closest = wording.emotion(best, self.language)
        return claim.word == best, word, self._say(f"the closest word is {closest}", f"最接近的词是{closest}")

    def _readings(self, names: list[str]) -> str:
        if not names:
            return self._say("no reading follows from the measurements", "测量结果不能推出任何情绪")
        words = joined([wording.emotion(name, self.language) for name in names], self.language)
        return self._say(f"the motion supports {words}", f"运动支持{words}")

    def _shares(self) -> dict[str, float]:
        evidence = self.facts.analysis.evidence
        if not self.facts.units or evidence is None or evidence.coarse is None:
            return {}
        return {name: float(getattr(evidence.coarse, name)) for name in facs.COARSE_CLASSES}

    def _class(self, claim: Claim) -> tuple[bool, str, str]:
        shares = self._shares()
        best = max(shares, key=lambda name: shares[name], default=None)
        word = facs.COARSE_ZH[claim.word] if self.language == "zh" else claim.word
        return (best == claim.word) == (claim.stance != "no"), word, self._shares_told(shares)

    def _shares_told(self, shares: dict[str, float]) -> str:
        if not shares:
            return self._say("no class can be given", "无法给出分类")
        zh = self.language == "zh"
        return joined([f"{facs.COARSE_ZH[n] if zh else n} {number(share, 2)}" for n, share in shares.items()])

    def _type(self, claim: Claim) -> tuple[bool, str, str]:
        interval, kind = self.facts.interval, self.facts.kind
        name = {"micro": ("a micro-expression", "微表情"), "macro": ("a macro-expression", "宏表情")}[claim.word]
        said = self._say(*name) if claim.stance != "no" else self._say(f"no {name[0][2:]}", f"没有{name[1]}")
        if kind is None or interval is None:
            return claim.stance == "no", said, self._say("nothing reliable with a known duration", "没有时长可靠的动作")
        length = duration(interval.duration_ms, self.language)
        lasted, lasted_zh = ("it lasted", "持续") if interval.complete else ("it lasted at least", "至少持续")
        right = (kind == claim.word) == (claim.stance != "no")
        return right, said, self._say(f"{lasted} {length}", f"{lasted_zh} {length}")

    # ------------------------------------------------------------------------------------------ sizes

    def _px(self, claim: Claim) -> tuple[bool, str, str]:
        bound = self._bound_px(claim)
        known = bound if bound is not None else self._all_px
        return _near(claim, known), f"{_told(claim)} px", self._nearest(claim, known, "px", 2)

    def _bound_px(self, claim: Claim) -> list[float] | None:
        """What the number may be where its place in the text says which quantity it is; None: any."""
        motions = self._motions(claim)
        if claim.label == "noise":
            return self._floors
        if claim.label == "under":  # “under the noise (0.3 px)”: either of the two
            return self._floors + [m.magnitude_px for m in motions or self.facts.motions]
        if claim.label == "gap":
            sizes = [m.magnitude_px for m in self.facts.motions]
            return [abs(a - b) for a in sizes for b in sizes]
        if claim.label == "any":
            return None
        if motions:
            sizes = [m.magnitude_px for m in motions] + [m.max_px for m in motions]
            return sizes + [u.strength_px for u in self.facts.units if {m.key for m in motions} & set(u.regions)]
        units = [unit for unit in self.facts.units if unit.au in claim.units]
        if units:
            names = names_of(tuple(unit.au for unit in units))
            return [u.strength_px for u in units] + [m.magnitude_px for m in self.facts.motions if m.name in names]
        return None

    @cached_property
    def _floors(self) -> list[float]:
        floors = self.facts.analysis.spotting.region_floor_px
        return [self.facts.floor_px, self.facts.largest.floor_px, *map(float, floors), *self._quoted("px")]

    @cached_property
    def _all_px(self) -> list[float]:
        analysis = self.facts.analysis
        marks = [*analysis.spotting.candidates, *([self.facts.interval] if self.facts.interval else [])]
        sizes = [m.magnitude_px for m in self.facts.motions] + [m.max_px for m in self.facts.motions]
        sizes += [unit.strength_px for unit in self.facts.units] + [one.peak_px for one in marks]
        sizes += [self.facts.largest.px, *self._floors, float(CROP_PX), 1.0]
        sizes += [float(analysis.clip.width), float(analysis.clip.height), analysis.face.interocular_crop_px]
        return [*sizes, float(np.median(analysis.face.interocular_px))]

    def _percent(self, claim: Claim) -> tuple[bool, str, str]:
        shares = [100.0 * value for value in self._shares().values()]
        fits = [100.0 * unit.probability for unit in self.facts.units if not claim.units or unit.au in claim.units]
        motions = [m for m in self.facts.motions if m.name in claim.names]
        iod = [m.magnitude_iod for m in motions or self.facts.motions]
        units = [u for u in self.facts.units if not claim.units or u.au in claim.units]
        iod += [self.facts.percent(unit.strength_px) for unit in units] + [self.facts.percent(1.0)]
        known = fits if claim.label == "fit" else [*iod, *fits, *shares, *self._quoted("%")]
        return _near(claim, known), f"{_told(claim)} %", self._nearest(claim, known, "%", 1)

    def _ratio(self, claim: Claim) -> tuple[bool, str, str]:
        floor = self.facts.floor_px
        known = [m.magnitude_px / floor for m in self.facts.motions] if floor > 0 else []
        known += [one.score for one in self.facts.analysis.spotting.candidates]
        said = self._say(f"{_told(claim)} times the noise", f"噪声的 {_told(claim)} 倍")
        return _near(claim, known), said, self._nearest(claim, known, "×", 1)

    def _fit(self, claim: Claim) -> tuple[bool, str, str]:
        if claim.word:
            shares = self._shares()
            known = [shares[claim.word]] if shares else []
            word = facs.COARSE_ZH[claim.word] if self.language == "zh" else claim.word
            return _near(claim, known), f"{word} {_told(claim)}", self._shares_told(shares)
        units = [unit for unit in self.facts.units if not claim.units or unit.au in claim.units]
        known = [unit.probability for unit in units] + [one.probability for u in units for one in u.witnesses]
        said = self._say(f"fit {_told(claim)}", f"吻合度 {_told(claim)}")
        return _near(claim, known), said, self._nearest(claim, known, "", 2)

    def _nearest(self, claim: Claim, known: Iterable[float], unit: str, digits: int) -> str:
        values = list(known)
        if not values:
            return self._say("no such value was measured", "没有这样的测量值")
        best = number(min(values, key=lambda value: abs(value - claim.value)), digits)
        return self._say(f"the nearest measured value is {best} {unit}", f"最接近的测量值为 {best} {unit}").strip()

    # ------------------------------------------------------------------------------------------ time

    @cached_property
    def _marks(self) -> list[Interval]:
        chosen = [self.facts.interval] if self.facts.interval and not self.facts.is_pair else []
        return [*chosen, *self.facts.analysis.spotting.candidates]

    def _time(self, claim: Claim) -> tuple[bool, str, str]:
        if claim.upto is not None:
            return self._stretch(claim)
        ends = ("onset_ms", "apex_ms", "offset_ms")
        if claim.label in ("onset", "apex", "offset"):
            known = [float(getattr(one, f"{claim.label}_ms")) for one in self._marks]
        else:
            known = [float(getattr(one, end)) for one in self._marks for end in ends]
            known += [value for span in self.facts.analysis.spotting.spans for value in (span.start_ms, span.end_ms)]
            known += [self.facts.largest_at[2]] if self.facts.largest_at and not self.facts.is_pair else []
            known += self._lengths
        slack = min(self.facts.step_ms / 2, 20.0) if claim.label else 0.0
        said = f"{claim.label or ''} {self._clock(claim.value)}".strip()
        values = self._clock(min(known, key=lambda value: abs(value - claim.value))) if known else ""
        why = self._say(f"the nearest measured value is {values}", f"最接近的测量值为 {values}")
        if not known:
            why = self._say("there is no such time", "没有这样的时间")
        return _near(claim, known, slack), said, why

    def _stretch(self, claim: Claim) -> tuple[bool, str, str]:
        known = [(one.onset_ms, one.offset_ms) for one in self._marks]
        known += [(one.onset_ms, one.apex_ms) for one in self._marks]
        known += [(one.apex_ms, one.offset_ms) for one in self._marks]
        known += [(span.start_ms, span.end_ms) for span in self.facts.analysis.spotting.spans]
        first, last = claim.value, claim.upto or 0.0
        slack = claim.slack + min(self.facts.step_ms / 2, 20.0)
        right = any(abs(first - start) <= slack and abs(last - end) <= slack for start, end in known)
        said = f"{seconds(first)}–{seconds(last)} {self._say('s', '秒')}"
        told = "; ".join(f"{seconds(start)}–{seconds(end)}" for start, end in known[:3])
        return right, said, self._say(f"measured: {told or 'none'} s", f"测得：{told or '无'} 秒")

    def _clock(self, ms: float) -> str:
        return f"{seconds(ms)} {self._say('s', '秒')}" if ms >= 1000.0 else duration(ms, self.language)

    @cached_property
    def _lengths(self) -> list[float]:
        """Every length of time that may be told, ms."""
        lengths = [self.facts.step_ms, self.facts.shortest_ms, self.facts.analysis.clip.duration_ms, *COMMON_MS]
        for one in self._marks:
            lengths += [one.duration_ms, one.apex_ms - one.onset_ms, one.offset_ms - one.apex_ms]
        lengths += [span.end_ms - span.start_ms for span in self.facts.analysis.spotting.spans]
        return lengths + self._quoted("ms")

    def _duration(self, claim: Claim) -> tuple[bool, str, str]:
        known = [one.duration_ms for one in self._marks[:1]] if not self.facts.is_pair else []
        length = known[0] if known else None
        signs = {"less": "≤ ", "more": "≥ "}
        said = self._say("lasted ", "持续 ") + signs.get(claim.label, "") + duration(claim.value, self.language)
        if length is None:
            return False, said, self._say("there is no movement with a duration", "没有具有持续时间的动作")
        slack = claim.slack + min(self.facts.step_ms / 2, 20.0)
        right = {"less": length <= claim.value + slack, "more": length >= claim.value - slack}.get(
            claim.label, any(abs(one.duration_ms - claim.value) <= slack for one in self._marks)
        )
        told = duration(length, self.language)
        return right, said, self._say(f"it lasted {told}", f"持续 {told}")

    # ------------------------------------------------------------------------------------------ quoted sentences

    def _quoted(self, unit: str) -> list[float]:
        """Numbers in the analysis's own sentences, which an answer may repeat."""
        analysis = self.facts.analysis
        told = [*analysis.reasons, analysis.headline, *analysis.spotting.reasons]
        told += [f"{one.value} {one.sentence}" for one in analysis.verdict.checks]
        told += list(analysis.evidence.notes) if analysis.evidence else []
        return [float(digits) for text in told for digits in re.findall(rf"(\d+(?:\.\d+)?)\s*{unit}(?!\w)", text)]


def _told(claim: Claim) -> str:
    return f"{claim.value:g}"


def _near(claim: Claim, known: Iterable[float], slack: float = 0.0) -> bool:
    return any(abs(claim.value - value) <= claim.slack + slack for value in known)


def _goes(motion: RegionMotion, way: str) -> bool:
    """Whether a motion has this part: up, down, out, in, the subject's left or right, or an image direction."""
    if way.startswith("image:"):
        wanted = 45.0 * facs.DIRECTIONS.index(way.removeprefix("image:"))
        return abs((motion.direction_deg - wanted + 180.0) % 360.0 - 180.0) <= IMAGE_WAY_DEG
    along, across = (motion.v_px, motion.u_px) if way in ("up", "down") else (motion.u_px, motion.v_px)
    enough = abs(along) >= SIDEWAYS * abs(across)
    if way in ("up", "down"):
        return enough and (along < 0) == (way == "up")
    towards_left = along > 0  # an unmirrored picture: the subject's left is at the right
    if way in ("left", "right"):
        return enough and towards_left == (way == "left")
    return enough and motion.side is not None and (towards_left == (motion.side == "left")) == (way == "out")
