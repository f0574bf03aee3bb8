"""What can be said about an analysis, sorted out once for both languages: what is claimed, what moved, what limits it.

Numbers and names only, no sentences. Nothing is added to the analysis: every value is one of its values, or a simple
quotient or difference of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from mellm_demo import facs, wording
from mellm_demo.headline import Largest, largest_movement, tells_size
from mellm_demo.records import (
    ActionUnitEvidence,
    Analysis,
    Check,
    EmotionHypothesis,
    Interval,
    RegionMotion,
    Side,
    Span,
)

# Fewer frames than this within a movement and neither its course nor its apex can be told.
FRAMES_TO_SEE = 3
SLOW_FRAME_RATE = 50.0  # frames/s; below it something moving shows, hardly its course
GOOD_FRAME_RATE = 100.0  # frames/s; what laboratory recordings of micro-expressions use at least
MICRO_LIMIT_MS = 500.0  # longest micro-expression in the relaxed definition (Yan et al. 2013)

State = Literal["found", "doubtful", "still", "chosen_still"]


@dataclass(frozen=True)
class Group:
    """A region, or both of a pair where they moved the same way."""

    name: str
    motions: tuple[RegionMotion, ...]  # one, or left and right

    @property
    def side(self) -> Side | Literal["both"] | None:
        return "both" if len(self.motions) == 2 else self.motions[0].side

    @property
    def strongest(self) -> RegionMotion:
        return max(self.motions, key=lambda motion: motion.magnitude_px)


@dataclass(frozen=True)
class Facts:
    """One analysis, seen by the one who tells it."""

    analysis: Analysis

    @cached_property
    def interval(self) -> Interval | None:
        return self.analysis.moment.interval if self.analysis.moment else None

    @cached_property
    def state(self) -> State:
        """found: reliable. doubtful: something moved, but no claim can rest on it. still: no moment at all.

        chosen_still: the user chose an interval in which nothing exceeds the noise.
        """
        if self.interval is None or self.analysis.evidence is None:
            return "still"
        if self.analysis.reliable and (self.moving or self.analysis.evidence.action_units):
            return "found"
        if self.interval.by_user and not self.moving:
            return "chosen_still"
        return "doubtful" if self.moving else "still"

    @property
    def found(self) -> bool:
        return self.state == "found"

    @cached_property
    def units(self) -> tuple[ActionUnitEvidence, ...]:
        """Action units that are claimed: none where the finding is not reliable."""
        return self.analysis.evidence.action_units if self.found and self.analysis.evidence else ()

    @cached_property
    def motions(self) -> tuple[RegionMotion, ...]:
        """Every region's motion from onset to apex; empty where there is no moment."""
        return self.analysis.evidence.regions if self.analysis.evidence else ()

    @cached_property
    def moving(self) -> tuple[RegionMotion, ...]:
        """Regions above the noise floor, strongest first."""
        return tuple(sorted((m for m in self.motions if m.moving), key=lambda motion: -motion.magnitude_px))

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """The moving regions, strongest first, left and right together where they moved the same way.

        Where an action unit is claimed though no region's mean exceeds the noise: the regions that it rests on.
        """
        groups: list[Group] = []
        taken: set[str] = set()
        bearing = {key for unit in self.units[:1] for key in unit.regions}
        told = self.moving or tuple(motion for motion in self.motions if motion.key in bearing)
        for motion in told:
            if motion.key in taken:
                continue
            twin = next((m for m in told if m.name == motion.name and m.key != motion.key), None)
            if twin and wording.directions(twin) == wording.directions(motion):
                pair = sorted((motion, twin), key=lambda one: one.side != "left")
                groups.append(Group(motion.name, tuple(pair)))
                taken |= {motion.key, twin.key}
            else:
                groups.append(Group(motion.name, (motion,)))
                taken.add(motion.key)
        return tuple(groups)

    @cached_property
    def emotions(self) -> tuple[EmotionHypothesis, ...]:
        """Readings of the claimed action units; none without any."""
        return self.analysis.evidence.emotions if self.units and self.analysis.evidence else ()

    @cached_property
    def is_pair(self) -> bool:
        """Two pictures: there is no time to speak of."""
        return self.analysis.clip.kind == "pair" and self.analysis.clip.frame_count <= 2

    @property
    def kind(self) -> Literal["micro", "macro"] | None:
        """By its length; None where that is open: nothing found, no time, or the clip ends before it is too long."""
        interval = self.interval
        if not self.found or interval is None or self.is_pair:
            return None
        return interval.kind if interval.complete or interval.kind == "macro" else None

    @property
    def floor_px(self) -> float:
        """The clip's noise: what a region has to exceed to count as moving."""
        return self.analysis.spotting.noise_floor_px

    @cached_property
    def largest(self) -> Largest:
        """The movement that stands out most, where nothing is claimed, with the noise it was held against."""
        return largest_movement(self.interval, self.analysis.evidence, self.analysis.spotting)

    @cached_property
    def largest_at(self) -> tuple[str, Side | None, float] | None:
        """Region name, side and time in ms of the largest movement; None between the user's marks."""
        largest, curve = self.largest, self.analysis.curve
        if largest.region is None or largest.row is None or largest.row >= len(curve.times_ms):
            return None
        region = facs.REGIONS[largest.region]
        return region.name, region.side, float(curve.times_ms[largest.row])

    @cached_property
    def reasons(self) -> tuple[str, ...]:
        """The analysis's reasons but the blinks set aside and, where small, the size: these are told otherwise."""
        small = self.largest.rank != "above"
        reasons = dict.fromkeys(reason for reason in self.analysis.reasons if reason.strip())
        return tuple(
            reason for reason in reasons if "were left out" not in reason and not (small and tells_size(reason))
        )

    @cached_property
    def only_small(self) -> bool:
        """Whether the size of the movement is what keeps it from counting."""
        told = any(tells_size(reason) for reason in self.analysis.reasons)
        return self.largest.rank != "above" and (told or not self.reasons)

    def percent(self, px: float) -> float:
        """Pixels of the crop in per cent of the interocular distance."""
        return 100.0 * px / self.analysis.face.interocular_crop_px

    @property
    def step_ms(self) -> float:
        """Time from one frame to the next: no time is known better."""
        return 1000.0 / self.analysis.clip.frame_rate

    @property
    def shortest_ms(self) -> float:
        return FRAMES_TO_SEE * self.step_ms

    @property
    def slow(self) -> bool:
        return not self.is_pair and self.analysis.clip.frame_rate < SLOW_FRAME_RATE

    @cached_property
    def overlaps(self) -> tuple[Span, ...]:
        """Blinks, speech, head turns and gaps that share time with the interval."""
        interval = self.interval
        if interval is None or self.is_pair:
            return ()
        return tuple(
            span
            for span in self.analysis.spotting.spans
            if span.start_ms < interval.offset_ms and span.end_ms > interval.onset_ms
        )

    def spans(self, kind: str) -> tuple[Span, ...]:
        return tuple(span for span in self.analysis.spotting.spans if span.kind == kind)

    def unit(self, au: int) -> ActionUnitEvidence | None:
        """The evidence for a claimed action unit."""
        return next((unit for unit in self.units if unit.au == au), None)

    def motions_of(self, name: str, side: Side | None = None) -> tuple[RegionMotion, ...]:
        """Motions of the regions with this name, left before right; with a side, of that side (or of the midline)."""
        found = [m for m in self.motions if m.name == name and side in (None, m.side)]
        found = found or [m for m in self.motions if m.name == name]
        return tuple(sorted(found, key=lambda motion: motion.side != "left"))

    def motions_behind(self, au: int) -> tuple[RegionMotion, ...]:
        """Motions of the regions that define an action unit, whether it is shown or not."""
        known = facs.AU_BY_NUMBER.get(au)
        if known is None:
            return ()
        names = [one.region.replace("_", " ") for one in known.expectations if one.defining]
        return tuple(motion for name in names for motion in self.motions_of(name))

    @property
    def claimed(self) -> tuple[int, ...]:
        """Numbers of the claimed action units, rising."""
        return tuple(sorted(unit.au for unit in self.units))

    @cached_property
    def input_warnings(self) -> tuple[Check, ...]:
        """Serious limits of the input, the frame rate aside, which is told in its own words."""
        checks = self.analysis.verdict.checks
        return tuple(c for c in checks if c.severity in ("warning", "unusable") and c.name != "frame rate")

    def poor_checks(self) -> tuple[str, ...]:
        """Names of the input checks that are worse than a note."""
        return tuple(c.name for c in self.analysis.verdict.checks if c.severity in ("warning", "unusable"))

    @cached_property
    def limits(self) -> tuple[str, ...]:
        """What the spotting warns of in this interval: keys of WARNING_WORDS, in their order."""
        warnings = " ".join(self.interval.warnings).casefold() if self.interval else ""
        return tuple(key for key, words in WARNING_WORDS.items() if any(word in warnings for word in words))

    @cached_property
    def other_warnings(self) -> tuple[str, ...]:
        """Warnings of the spotting that WARNING_WORDS does not know, as they stand."""
        known = [word for words in WARNING_WORDS.values() for word in words]
        warnings = self.interval.warnings if self.interval else ()
        return tuple(text for text in warnings if not any(word in text.casefold() for word in known))


# How the spotting words its warnings, so that they can be told in either language.
WARNING_WORDS: dict[str, tuple[str, ...]] = {
    "blink": ("blink",),
    "closed": ("eyes were closed",),
    "speech": ("speech", "speak"),
    "head": ("head",),
    "gap": ("lost", "gap"),
    "cut": ("at rest",),
    "few": ("too few frames",),
}


# Without a reading of its own, the word that CASME II (Yan et al. 2014) codes most often in each class.
USUAL: dict[str, str] = {"negative": "disgust", "positive": "happiness", "surprise": "surprise"}

# Regions that everyday words take together.
FAMILIES: tuple[tuple[str, ...], ...] = (
    ("inner brow", "outer brow"),
    ("upper lid", "lower lid"),
    ("cheek",),
    ("nostril wing", "nasolabial fold"),
    ("mouth corner", "upper lip", "lower lip"),
    ("chin",),
)


def family(name: str) -> tuple[str, ...]:
    """The family of a region's name."""
    return next((names for names in FAMILIES if name in names), (name,))


@dataclass(frozen=True)
class Support:
    """What the tables of facs say for an emotion, given the claimed action units."""

    pattern: tuple[int, ...]  # its prototype; for emotions without one, the units that any of their rules names
    shown: tuple[int, ...]  # of the pattern
    missing: tuple[int, ...]  # of the pattern, where it is a prototype: units that belong together
    rules: tuple[tuple[int, ...], ...]  # sets by which CASME II codes it, all of them shown
    counts: tuple[
        tuple[int, int, int], ...
    ]  # action unit, clips of this emotion in CASME II that show it, all its clips
    one_sided: bool  # contempt: a one-sided AU 12 or 14 is what it takes; ``shown`` holds only such

    @property
    def any(self) -> bool:
        return bool(self.shown or self.rules or self.counts)


def support(facts: Facts, name: str) -> Support:
    """What speaks for an emotion: its pattern, the coding rules of CASME II and its counts."""
    emotion = facs.EMOTION_BY_NAME[name]
    claimed = set(facts.claimed)
    one_sided = name == "contempt"
    pattern = set(emotion.prototype) or (
        set(facs.CONTEMPT_ONE_SIDED) if one_sided else {au for rule in emotion.casme2 for au in rule}
    )
    shown = {unit.au for unit in facts.units if unit.au in pattern and not (one_sided and unit.side == "both")}
    clips = facs.CASME2_CLIPS.get(name, 0)
    counts = facs.CASME2_COUNTS.get(name, {})
    return Support(
        pattern=tuple(sorted(pattern)),
        shown=tuple(sorted(shown)),
        missing=tuple(sorted(emotion.prototype - claimed)),
        rules=tuple(tuple(sorted(rule)) for rule in emotion.casme2 if rule <= claimed),
        counts=tuple((au, count, clips) for au, count in counts.items() if au in claimed),
        one_sided=one_sided,
    )


def speaking_for(facts: Facts, words: Sequence[str]) -> tuple[ActionUnitEvidence, ...]:
    """The claimed units that the tables tie to any of these emotions, in their order; all where they tie none."""
    tied: set[int] = set()
    for held in (support(facts, word) for word in words if word in facs.EMOTION_BY_NAME):
        tied |= {*held.shown, *(au for rule in held.rules for au in rule), *(au for au, _, _ in held.counts)}
    return tuple(unit for unit in facts.units if unit.au in tied) or facts.units


def best_class(facts: Facts) -> str | None:
    """The coarse class with the largest share; None where nothing tells."""
    coarse = facts.analysis.evidence.coarse if facts.analysis.evidence and facts.units else None
    return max(facs.COARSE_CLASSES, key=lambda name: float(getattr(coarse, name))) if coarse is not None else None


def closest_word(facts: Facts) -> str:
    """The best supported emotion of the best class, or that class's usual word: for who asks for one word."""
    best = best_class(facts) or "negative"
    fitting = (one.name for one in facts.emotions if facs.EMOTION_BY_NAME[one.name].coarse == best)
    return next(fitting, USUAL[best])
