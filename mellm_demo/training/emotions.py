"""Counts how three corpora call the emotion where action units were coded, and measures what that is worth.

``python -m mellm_demo.training.emotions --data DIR``
Writes weights/recognition/emotions.json: sums over the codings of CASME II, DFME and CAS(ME)^3, nothing of any event.
Each corpus is then left out in turn and its coded units are read by the published rules, by the counts of the other
corpora, and by both, as the app does.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from mellm_demo import facs
from mellm_demo.errors import MellmError
from mellm_demo.recognition import corpora, expression
from mellm_demo.records import ActionUnitEvidence
from mellm_demo.training.annotations import Coding, read_codings
from mellm_demo.training.me_flow import DATA_VARIABLE, data_folder

# File, name, source. Only clips of these files whose emotion has a name are counted.
SOURCES: tuple[tuple[str, str, str], ...] = (
    ("casme2_coding.csv", "CASME II", "Yan et al. 2014, PLoS ONE 9(1): e86041"),
    ("dfme_train.csv", "DFME", "Zhao et al. 2023, IEEE Transactions on Affective Computing; training part"),
    ("casme3_part_a.csv", "CAS(ME)^3", "Li et al. 2022, IEEE TPAMI; part A"),
)
MIN_PAIR = 5  # events of one corpus in which two units were coded together, from which the pair is kept


def counted(codings: Sequence[Coding], name: str, source: str) -> corpora.Corpus:
    """One corpus in sum: single units, one-sided ones where contempt is told by them, and pairs."""
    counts: dict[str, Counter[str]] = {}
    for coding in codings:
        keys = [str(number) for number in coding.units]
        keys += [f"{number}{corpora.ONE_SIDED}" for number in coding.one_sided & facs.CONTEMPT_ONE_SIDED]
        keys += [corpora.key_of(pair) for pair in combinations(sorted(coding.units), 2)]
        for key in keys:
            counts.setdefault(key, Counter())[coding.emotion] += 1
    events = Counter(coding.emotion for coding in codings)
    return corpora.Corpus(name, source, dict(events), {key: dict(counts[key]) for key in counts})


def thinned(made: Sequence[corpora.Corpus]) -> list[dict[str, Any]]:
    """The corpora as they are written, without the pairs that no corpus has MIN_PAIR times."""
    kept = {key for corpus in made for key, counts in corpus.counts.items() if sum(counts.values()) >= MIN_PAIR}

    def order(key: str) -> list[int]:
        return [int(part) for part in key.removesuffix(corpora.ONE_SIDED).split("+")]

    return [
        {
            "name": corpus.name,
            "source": corpus.source,
            "events": corpus.events,
            "counts": {
                key: dict(sorted(corpus.counts[key].items()))
                for key in sorted(corpus.counts, key=order)
                if "+" not in key or key in kept
            },
        }
        for corpus in made
    ]


# ---------------------------------------------------------------------------------------------- what it is worth


def measured(every: Sequence[Sequence[Coding]], made: Sequence[corpora.Corpus]) -> dict[str, Any]:
    """Per corpus left out: how often the coded emotion is the first, and among the first two, by each way of reading.

    ``uar`` is the mean recall over the emotions with corpora.MIN_EMOTION events or more.
    """
    report: dict[str, Any] = {}
    for held, (codings, corpus) in enumerate(zip(every, made, strict=True)):
        others = [other for index, other in enumerate(made) if index != held]
        ways = {
            "rules alone": [_ruled(coding) for coding in codings],
            "counts alone": [corpora.reading(_certain(coding), others) for coding in codings],
        }
        ways["both"] = [expression.joined(ruled, shares) for ruled, shares in zip(*ways.values(), strict=True)]
        truth = [coding.emotion for coding in codings]
        report[corpus.name] = {"events": len(codings), **{way: _hits(said, truth) for way, said in ways.items()}}
    return report


def _certain(coding: Coding) -> dict[int, tuple[float, bool]]:
    return {number: (1.0, number in coding.one_sided) for number in coding.units}


def _ruled(coding: Coding) -> dict[str, float]:
    units = {
        number: ActionUnitEvidence(number, "", "left" if number in coding.one_sided else "both", 1.0, 1.0, (), ())
        for number in coding.units
        if number in facs.AU_BY_NUMBER
    }
    return {emotion.name: expression.by_rules(emotion, units)[0] for emotion in facs.EMOTIONS}


def _hits(said: Sequence[dict[str, float]], truth: Sequence[str]) -> dict[str, float | None]:
    first, either = [], []
    for support, emotion in zip(said, truth, strict=True):
        ranked = sorted((name for name in support if support[name] > 0), key=lambda name: -support[name])
        first.append(emotion in ranked[:1])
        either.append(emotion in ranked[:2])
    often = [name for name, count in Counter(truth).items() if count >= corpora.MIN_EMOTION]
    recall = [np.mean([hit for hit, emotion in zip(first, truth, strict=True) if emotion == name]) for name in often]
    return {
        "first": round(float(np.mean(first)), 3),
        "first two": round(float(np.mean(either)), 3),
        "uar": round(float(np.mean(recall)), 3) if recall else None,
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status 0, or 2 with a sentence where the data cannot be used."""
    parser = argparse.ArgumentParser(
        prog="python -m mellm_demo.training.emotions", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--data", type=Path, help=f"folder with annotations/; else ${DATA_VARIABLE}")
    parser.add_argument("--out", type=Path, default=corpora.TABLE, help="where the counts go")
    arguments = parser.parse_args(argv)
    try:
        folder = data_folder(arguments.data)
        every = [read_codings(folder / "annotations" / file) for file, _, _ in SOURCES]
    except MellmError as error:
        parser.exit(2, f"{error}\n")
    made = [counted(codings, name, source) for codings, (_, name, source) in zip(every, SOURCES, strict=True)]
    listed = thinned(made)
    content = {
        "written_by": "python -m mellm_demo.training.emotions",
        "corpora_sha256": corpora.digest(listed),
        "measured": measured(every, made),
        "corpora": listed,
    }
    text = json.dumps(content, indent=None, separators=(", ", ": "), ensure_ascii=False)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(text + "\n", encoding="utf-8")
    print(json.dumps(content["measured"], indent=1), file=sys.stdout)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
