"""What three corpora call the emotion where action units were coded: counts of events, and what follows from them.

The counts come from weights/recognition/emotions.json, written by mellm_demo/training/emotions.py; they are facts about
CASME II, DFME and CAS(ME)^3 in sum, no clip is in them. Corpora differ in the films shown, in the people and in the
rule by which an emotion was named, so each speaks for itself and the mean of their readings counts; how far they differ
is said. Knows nothing of motion.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from pathlib import Path

import numpy as np

from mellm_demo import facs
from mellm_demo.errors import WeightsError

TABLE = Path(__file__).resolve().parents[2] / "weights" / "recognition" / "emotions.json"
ONE_SIDED = " one side"  # ends the key of a unit's one-sided events, for the units by which contempt is told
MIN_EMOTION = 10  # events of an emotion from which a corpus is asked about it
MIN_EVENTS = 5  # events with a unit from which a corpus is asked about that
PRIOR_EVENTS = 2.0  # of the mean rate over the emotions, added to each emotion's

Side = bool  # whether a unit was shown on one side only


@dataclass(frozen=True)
class Corpus:
    """One corpus in sum. Keys of ``counts``: “12”, “12 one side”, “4+7”."""

    name: str
    source: str
    events: Mapping[str, int]  # emotion → events
    counts: Mapping[str, Mapping[str, int]]  # units → emotion → events in which they were coded


@cache
def table(path: Path = TABLE) -> tuple[Corpus, ...]:
    """The corpora. Raises WeightsError where the file is missing or not the one that was written."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        listed = content["corpora"]
        if digest(listed) != content["corpora_sha256"]:
            raise ValueError("other counts")
        return tuple(Corpus(one["name"], one["source"], one["events"], one["counts"]) for one in listed)
    except OSError:
        raise WeightsError(f"{path.name} is missing in “{path.parent.name}”. Restore the folder “weights”.") from None
    except (ValueError, KeyError, TypeError):
        raise WeightsError(f"The file {path.name} is not the expected one. Restore it from the project.") from None


def digest(corpora: object) -> str:
    """SHA-256 of the counts in their plainest form."""
    return hashlib.sha256(json.dumps(corpora, sort_keys=True).encode()).hexdigest()


def file_digest(path: Path = TABLE) -> str:
    """SHA-256 of the file; raises as ``table`` does."""
    table(path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def key_of(units: Iterable[int]) -> str:
    """ "4+7" of {7, 4}."""
    return "+".join(str(number) for number in sorted(units))


def reading(units: Mapping[int, tuple[float, Side]], corpora: Iterable[Corpus] | None = None) -> dict[str, float]:
    """Emotion → share (0..1), the mean over the corpora that know any of ``units``; empty where none does.

    units: number → (probability that it is there, whether on one side only). Within a corpus the emotions are equally
    likely beforehand and the units count as independent, each by its probability. An emotion that a corpus does not
    have gets nothing from it.
    """
    answers = [answer for corpus in (table() if corpora is None else corpora) if (answer := _reading(units, corpus))]
    return {
        emotion.name: float(np.mean([answer.get(emotion.name, 0.0) for answer in answers]))
        for emotion in facs.EMOTIONS
        if answers
    }


def _reading(units: Mapping[int, tuple[float, Side]], corpus: Corpus) -> dict[str, float]:
    asked = [emotion for emotion, events in corpus.events.items() if events >= MIN_EMOTION]
    odds, heard = np.zeros(len(asked)), False
    for number, (probability, one_sided) in units.items():
        counted = _counted(corpus, number, one_sided)
        counts = np.array([counted.get(emotion, 0) for emotion in asked], np.float64)
        if counts.sum() < MIN_EVENTS:
            continue
        events = np.array([corpus.events[emotion] for emotion in asked], np.float64)
        usual = float((counts / events).mean())
        odds += probability * np.log((counts + PRIOR_EVENTS * usual) / (events + PRIOR_EVENTS) / usual)
        heard = True
    if not heard:
        return {}
    shares = np.exp(odds - odds.max())
    return dict(zip(asked, (shares / shares.sum()).tolist(), strict=True))


def _counted(corpus: Corpus, number: int, one_sided: Side) -> Mapping[str, int]:
    """Emotion → events with this unit; for the units of contempt only those with as many sides."""
    every = corpus.counts.get(str(number), {})
    if number not in facs.CONTEMPT_ONE_SIDED:
        return every
    single = corpus.counts.get(f"{number}{ONE_SIDED}", {})
    return single if one_sided else {emotion: count - single.get(emotion, 0) for emotion, count in every.items()}


# ------------------------------------------------------------------------------------------ in words


def telling(units: Iterable[int], corpora: tuple[Corpus, ...] | None = None) -> tuple[int, ...]:
    """The one or two of ``units`` (most probable first) about which the corpora are asked in words; none: ().

    The pair that was coded most often together, else the first unit that was coded; where two corpora or more can be
    asked rather than one, since what differs between them is to be seen.
    """
    ranked, corpora = list(units), table() if corpora is None else corpora
    pairs = sorted(combinations(sorted(ranked), 2), key=lambda pair: -sum(_totals(pair, corpora)))
    told = [*pairs, *((number,) for number in ranked)]
    for wanted in (2, 1):
        for candidate in told:
            if sum(total >= MIN_EVENTS for total in _totals(candidate, corpora)) >= wanted:
                return candidate
    return ()


def _totals(units: tuple[int, ...], corpora: tuple[Corpus, ...]) -> list[int]:
    """Events of each corpus in which these units were coded."""
    return [sum(corpus.counts.get(key_of(units), {}).values()) for corpus in corpora]


def calls(units: tuple[int, ...], emotion: str, corpora: tuple[Corpus, ...] | None = None) -> str:
    """“28 of 28 events of CASME II, 191 of 302 of DFME”: how often these units were called so; empty: never coded."""
    parts: list[str] = []
    for corpus in table() if corpora is None else corpora:
        counts = corpus.counts.get(key_of(units), {})
        if total := sum(counts.values()):
            parts.append(f"{counts.get(emotion, 0)} of {total}{'' if parts else ' events'} of {corpus.name}")
    return ", ".join(parts)


def disagreement(units: tuple[int, ...], corpora: tuple[Corpus, ...] | None = None) -> str:
    """How the corpora call these units, and by how much they differ; empty where none coded them often enough.

    The difference is the total variation distance between the shares of emotions, the largest over pairs of corpora.
    """
    known = table() if corpora is None else corpora
    asked = [corpus for corpus in known if sum(corpus.counts.get(key_of(units), {}).values()) >= MIN_EVENTS]
    if not asked:
        return ""
    told = []
    shares = []
    for corpus in asked:
        counts = corpus.counts[key_of(units)]
        total = sum(counts.values())
        first = max(counts, key=lambda emotion: counts[emotion])
        told.append(f"{corpus.name} says {first} in {counts[first]} of {total} events")
        shares.append([counts.get(emotion.name, 0) / total for emotion in facs.EMOTIONS])
    where = f"Where AU {' + '.join(str(number) for number in units)} {'was' if len(units) == 1 else 'were'} coded, "
    if len(asked) == 1:
        return f"{where}{told[0]}; the other corpora have too few such events, and may disagree."
    apart = max(float(np.abs(np.subtract(a, b)).sum()) / 2 for a, b in combinations(shares, 2))
    return f"{where}{'; '.join(told)}: the corpora's shares of emotions differ by up to {100 * apart:.0f} of 100."
