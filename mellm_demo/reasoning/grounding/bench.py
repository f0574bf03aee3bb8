"""What judges of a claim go by: the measurements, and ways to tell what they say."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from mellm_demo import facs
from mellm_demo.reasoning.claims import Claim
from mellm_demo.reasoning.facts import Facts
from mellm_demo.records import Interval, RegionMotion
from mellm_demo.wording import Language, joined, number


@dataclass(frozen=True)
class Bench:
    """One analysis, and the language of what is told about claims."""

    facts: Facts
    language: Language

    def say(self, english: str, chinese: str) -> str:
        """In the language of the outcome."""
        return chinese if self.language == "zh" else english

    def motions_of(self, claim: Claim) -> list[RegionMotion]:
        """Motions of the regions that a claim names, on its side."""
        side = None if claim.side == "both" else claim.side
        return [m for m in self.facts.motions if m.name in claim.names and side in (None, m.side)]

    @cached_property
    def marks(self) -> list[Interval]:
        """The chosen moment, and the others that stand out."""
        chosen = [self.facts.interval] if self.facts.interval and not self.facts.is_pair else []
        return [*chosen, *self.facts.analysis.spotting.candidates]

    @cached_property
    def floors(self) -> list[float]:
        """Every noise that may be told, px."""
        floors = self.facts.analysis.spotting.region_floor_px
        return [self.facts.floor_px, self.facts.largest.floor_px, *map(float, floors), *self.quoted("px")]

    @cached_property
    def shares(self) -> dict[str, float]:
        """Of the coarse classes; empty where no action unit is claimed."""
        evidence = self.facts.analysis.evidence
        if not self.facts.units or evidence is None or evidence.coarse is None:
            return {}
        return {name: float(getattr(evidence.coarse, name)) for name in facs.COARSE_CLASSES}

    def quoted(self, unit: str) -> list[float]:
        """Numbers in the analysis's own sentences, which an answer may repeat."""
        analysis = self.facts.analysis
        told = [*analysis.reasons, analysis.headline, *analysis.spotting.reasons]
        told += [f"{one.value} {one.sentence}" for one in analysis.verdict.checks]
        told += list(analysis.evidence.notes) if analysis.evidence else []
        return [float(digits) for text in told for digits in re.findall(rf"(\d+(?:\.\d+)?)\s*{unit}(?!\w)", text)]


Judge = Callable[[Bench, Claim], tuple[bool, str, str]]  # whether it is supported, what is claimed, what was measured


def told(claim: Claim) -> str:
    """A claim's number."""
    return f"{claim.value:g}"


def near(claim: Claim, known: Iterable[float], slack: float = 0.0) -> bool:
    """Whether a claim's number rounds to one of these."""
    return any(abs(claim.value - value) <= claim.slack + slack for value in known)


def nearest(bench: Bench, claim: Claim, known: Iterable[float], unit: str, digits: int) -> str:
    """The measured value that a claim's number comes closest to, in words."""
    values = list(known)
    if not values:
        return bench.say("no such value was measured", "没有这样的测量值")
    best = number(min(values, key=lambda value: abs(value - claim.value)), digits)
    return bench.say(f"the nearest measured value is {best} {unit}", f"最接近的测量值为 {best} {unit}").strip()


def shares_told(bench: Bench) -> str:
    """The coarse classes with their shares."""
    if not bench.shares:
        return bench.say("no class can be given", "无法给出分类")
    zh = bench.language == "zh"
    return joined([f"{facs.COARSE_ZH[n] if zh else n} {number(share, 2)}" for n, share in bench.shares.items()])
