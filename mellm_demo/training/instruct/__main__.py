"""``python -m mellm_demo.training.instruct --data DIR --out FOLDER --samples N --seed S``: writes instruction data.

FOLDER/samples.jsonl holds one conversation a line, FOLDER/images its maps as PNG of 224 px. The same numbers and seed
give the same files. Faces of held-out people are used only with ``--held-out``.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mellm_demo.errors import InputError, MellmError
from mellm_demo.reasoning.prompts import map_png
from mellm_demo.training import learned
from mellm_demo.training.coded import as_coded
from mellm_demo.training.instruct.corpora import CORPORA, Event, read_corpus_events
from mellm_demo.training.instruct.faces import read_faces
from mellm_demo.training.instruct.samples import KINDS, WEIGHTS, Sample, sample_of
from mellm_demo.training.instruct.sources import REAL_SHARE, RealFlows, Source, motions
from mellm_demo.training.instruct.tables import read_tables

EXPLAIN_SHARE = 0.3


def samples_from(
    source: Source, random: np.random.Generator, weights: Mapping[str, float] = WEIGHTS
) -> Iterator[Sample]:
    """One sample of every kind that the motion allows; looking alone only where units or a class are known.

    Explanations open most conversations already, so those by themselves are fewer.
    """
    for kind in KINDS:
        if kind == "explain" and random.random() > EXPLAIN_SHARE:
            continue
        if kind == "look" and not (source.truth.units or source.truth.coarse):
            continue
        made = sample_of(source.analysis, source.truth, source.picture, random, kind, weights)
        if made is not None:
            yield made


def as_line(sample: Sample, source: Source, name: str, image: str | None) -> dict[str, Any]:
    """One line of samples.jsonl."""
    return {
        "id": name,
        "kind": sample.kind,
        "origin": source.origin,
        "group": source.group,
        "clip": source.clip,
        "image": image,
        "messages": [
            {"role": m.role, "text": m.text}
            | ({"learn": True} if m.learn else {})
            | ({"image": True} if m.image else {})
            for m in sample.messages
        ],
        "facts": dict(sample.facts),
        "statements": sample.statements,
    }


def write(
    out: Path,
    made: Iterator[tuple[Source, np.random.Generator]],
    count: int,
    weights: Mapping[str, float] = WEIGHTS,
) -> Counter[str]:
    """``count`` samples into a folder; what was written by kind and origin."""
    (out / "images").mkdir(parents=True, exist_ok=True)
    written: Counter[str] = Counter()
    total, part = 0, out / "samples.jsonl.part"
    with part.open("w", encoding="utf-8") as file:
        for source, random in made:
            for sample in samples_from(source, random, weights):
                name = f"{total:06d}"
                image = None
                if sample.picture is not None:
                    image = f"images/{name}.png"
                    (out / image).write_bytes(map_png(sample.picture))
                file.write(json.dumps(as_line(sample, source, name, image), ensure_ascii=False) + "\n")
                written[f"{source.origin} {sample.kind}"] += 1
                total += 1
                if total >= count:
                    break
            if total >= count:
                break
    part.replace(out / "samples.jsonl")
    return written


def coded(
    made: Iterator[tuple[Source, np.random.Generator]], share: float
) -> Iterator[tuple[Source, np.random.Generator]]:
    """Some of the motions with the claims of the trained head instead of the app's, as ME-VQA's clips have them."""
    everything = learned.shipped() if share > 0 else None
    for source, random in made:
        if everything is not None and random.random() < share:
            source = replace(source, analysis=as_coded(source.analysis, everything))
        yield source, random


def weights_of(given: Sequence[str]) -> dict[str, float]:
    """WEIGHTS with those that were given as “megc=16”. Raises InputError."""
    weights = dict(WEIGHTS)
    for one in given:
        name, _, number = one.partition("=")
        try:
            value = float(number)
        except ValueError:
            value = -1.0
        if name not in weights or not 0.0 <= value < 1e6:
            raise InputError(f"“{one}” is no weight. Write it as QUESTION=NUMBER; questions are {', '.join(weights)}.")
        weights[name] = value
    return weights


def _corpus_sources(
    folder: Path, name: str, table: Path | None, seed: int
) -> Iterator[tuple[Source, np.random.Generator]]:
    from mellm_demo.training.instruct.corpora import source_of

    events: tuple[Event, ...] = read_corpus_events(folder, name, table)
    for number, event in enumerate(events):
        random = np.random.default_rng([seed, number])
        source = source_of(event, random)
        if source is not None:
            yield source, random


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status 0, or 2 with a sentence where something given cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m mellm_demo.training.instruct", description=__doc__)
    parser.add_argument("--data", type=Path, help="holds faces/, annotations/ and, for real flows, me_flow/")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--faces", type=Path, help="where the aligned faces are kept; default: OUT/faces.npz")
    parser.add_argument("--held-out", action="store_true", help="of the people that training never sees")
    parser.add_argument("--real-share", type=float, default=REAL_SHARE, help="of the motions, from me_flow")
    parser.add_argument(
        "--weight", action="append", default=[], metavar="QUESTION=NUMBER", help=f"how often: {', '.join(WEIGHTS)}"
    )
    parser.add_argument(
        "--coded-share", type=float, default=0.0, help="of the motions, with the head's claims, as for ME-VQA"
    )
    parser.add_argument("--corpus", choices=CORPORA, help="from a corpus' own folder instead")
    parser.add_argument("--corpus-folder", type=Path, help="of its frames")
    parser.add_argument("--coding", type=Path, help="its coding table (.csv or .xlsx), if it lies elsewhere")
    given = parser.parse_args(argv)
    try:
        import cv2

        cv2.setNumThreads(1)
        started = time.monotonic()
        if given.corpus:
            if given.corpus_folder is None:
                raise InputError("A corpus was named, but no folder. Give --corpus-folder DIR.")
            made = _corpus_sources(given.corpus_folder, given.corpus, given.coding, given.seed)
        else:
            if given.data is None:
                raise InputError("No data was named. Give --data DIR, or --corpus NAME --corpus-folder DIR.")
            faces = read_faces(given.data / "faces", given.faces or given.out / "faces.npz")
            flows = RealFlows(given.data) if given.real_share > 0 and (given.data / "me_flow").is_dir() else None
            made = motions(
                faces, read_tables(given.data), flows, given.seed,
                held_out=given.held_out, real_share=given.real_share,
            )  # fmt: skip
        made = coded(made, given.coded_share)
        written = write(given.out, made, given.samples, weights_of(given.weight))
        print(json.dumps({"samples": sum(written.values()), **dict(sorted(written.items())),
                          "seconds": round(time.monotonic() - started, 1)}, indent=1))  # fmt: skip
    except MellmError as error:
        parser.exit(2, f"{error}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
