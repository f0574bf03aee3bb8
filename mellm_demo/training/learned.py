"""What the app learned from corpora, and the same without certain people: who is tested must not be in it.

The head is fitted, calibrated and given its thresholds anew, the counts of emotions and classes are counted anew, on
everybody else. What published tables and rules say (FACS, EMFACS) stays: it was learned from nobody here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mellm_demo import facs
from mellm_demo.recognition import Counts, Head, corpora, network
from mellm_demo.recognition.expression import likelihoods, shipped_counts
from mellm_demo.recognition.network import UNITS
from mellm_demo.training.annotations import Coding, read_codings
from mellm_demo.training.emotions import SOURCES, counted
from mellm_demo.training.heads import Material, Recipe, choose, head_of, material
from mellm_demo.training.listing import heard_unseen
from mellm_demo.training.me_flow import Corpus
from mellm_demo.training.recognition import IDEAS, shipped_idea

CASME2 = SOURCES[0]
PREFIX = "casme2/"  # of its groups


@dataclass(frozen=True)
class Event:
    """A coded event in short."""

    units: frozenset[int]  # of UNITS
    fine: str


@dataclass(frozen=True)
class Learned:
    """The trained head and the counts; the coded events of CASME II that a reader of the evidence may know."""

    head: Head
    counts: Counts
    events: tuple[Event, ...] = ()
    caution: float = 1.0  # times the head's thresholds: from there on a unit is listed, see listing.Heard


def shipped() -> Learned:
    """As the app has it."""
    return Learned(network.load(), shipped_counts(), caution=float(network.numbers().get("caution", 1.0)))


class WithoutPeople:
    """What everybody but some people taught. The costly sums are made once for all folds."""

    def __init__(self, corpus: Corpus, data: Path | None = None, seed: int = 0) -> None:
        """data: folder with annotations/; without it CASME II is left out of the counts of emotions altogether."""
        self.stuff: Material = material(corpus, _idea(data), seed)
        self._codings: list[Coding] = read_codings(data / "annotations" / CASME2[0]) if data else []

    def learned(self, tested: Collection[str]) -> Learned:
        """Head and counts without these groups, “corpus/subject”."""
        groups = sorted(set(self.stuff.corpus.group.tolist()) - set(tested))
        chosen, _ = choose(self.stuff, groups)
        heard = heard_unseen(self.stuff, groups, chosen)
        known = heard.reliability()
        head = head_of(self.stuff, groups, chosen, known)
        rows = self._rows(tested)
        events = tuple(self._event(int(row)) for row in rows)
        return Learned(head, self._counts(rows, tested), events, heard.caution(known))

    def _rows(self, tested: Collection[str]) -> NDArray[np.int64]:
        """CASME II's clips without these groups."""
        corpus = self.stuff.corpus
        mine = np.char.startswith(corpus.group, PREFIX) & corpus.coded & ~np.isin(corpus.group, list(tested))
        return np.flatnonzero(mine)

    def _event(self, row: int) -> Event:
        shown = self.stuff.corpus.units[row] > 0
        units = frozenset(au for au, there in zip(UNITS, shown, strict=True) if there)
        return Event(units, str(self.stuff.corpus.emotion[row]))

    def _counts(self, rows: NDArray[np.int64], tested: Collection[str]) -> Counts:
        others = tuple(one for one in corpora.table() if one.name != CASME2[1])
        people = {_plain(group) for group in tested if group.startswith(PREFIX)}
        kept = [coding for coding in self._codings if _plain(coding.subject) not in people]
        own = (counted(kept, CASME2[1], CASME2[2]),) if kept else ()
        corpus = self.stuff.corpus
        clips = Counter(str(corpus.emotion[row]) for row in rows)
        units = {
            emotion: {
                au: int(sum(corpus.units[row, UNITS.index(au)] for row in rows if corpus.emotion[row] == emotion))
                for au in shown
            }
            for emotion, shown in facs.CASME2_COUNTS.items()
        }
        return Counts((*own, *others), likelihoods({name: clips[name] for name in facs.CASME2_CLIPS}, units))


def _idea(data: Path | None) -> Recipe:
    """The shipped idea; it needs no tables unless it holds a prior from them."""
    if data is not None:
        return shipped_idea(data)
    name = network.numbers()["recipe"]
    return next((idea for idea in IDEAS if idea.name == name and not idea.prior), IDEAS[-2])


def _plain(subject: str) -> str:
    """Tables write “1” where clips write “sub01”."""
    digits = re.search(r"\d+$", subject)
    return str(int(digits[0])) if digits else subject
