"""Scores the shipped head: on a corpus in the format of me_flow, across people and corpora, or on synthetic clips.

python -m mellm_demo.training.evaluate --flows FLOWS.npz --labels LABELS.csv [--json FILE]
python -m mellm_demo.training.evaluate --cross-validate [--data DIR | --flows … --labels …]
python -m mellm_demo.training.evaluate --framing [--data DIR | --flows … --labels …]
python -m mellm_demo.training.evaluate --synthetic [--clips N] [--faces DIR]
python -m mellm_demo.training.evaluate --vqa FILE.jsonl --flows … --labels … [--faces DIR] [--by-subject] [--model GGUF]
python -m mellm_demo.training.evaluate --look --data DIR [--model GGUF] [--clips N]
python -m mellm_demo.training.evaluate --faithful --data DIR [--model GGUF] [--clips N]

The first reads every clip with the shipped weights, thresholds and calibration; nothing is fitted, so it means
something only on clips that the head was not trained on. ``--cross-validate`` trains anew for each fold: who is tested
takes no part in the choice of idea, penalty, calibration or threshold (see training/recognition.py). ``--framing`` does
so with the shipped idea, the tested pictures shifted, scaled and turned (see training/framing.py). ``--synthetic``
renders clips whose truth is known, with expressions of 1.5 px and without any, and sends them through the analysis.

``--vqa`` asks ME-VQA's questions about real flows, each by itself, and gives the scores of the language model (the
one that comes with the app, unless another is named), of answering blindly, and of the evidence without any. Clips on
which the head was trained need ``--by-subject``: for each of five folds head, calibration, thresholds and counts are
made anew without the people of the fold. ``--look`` shows the model motion maps of rendered pairs and no measurement.
``--faithful`` asks freely about motions drawn on people on whom nothing was trained, and gives the share of statements
that the record supports.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mellm_demo.errors import InputError, MellmError
from mellm_demo.reasoning import llamacpp
from mellm_demo.reasoning.choice import EMBEDDED, embedded_options
from mellm_demo.reasoning.embedded import read_manifest
from mellm_demo.recognition import network
from mellm_demo.settings import Settings
from mellm_demo.training import asking, cases, faithful, learned, looking, rendered, vqa
from mellm_demo.training.clips import faces_folder, find_faces, picture_of
from mellm_demo.training.heads import Unseen, material
from mellm_demo.training.instruct.faces import Faces, aligned, read_faces
from mellm_demo.training.instruct.tables import read_tables
from mellm_demo.training.me_flow import DATA_VARIABLE, Corpus, data_folder, read_corpus, read_me_flow, unlabelled
from mellm_demo.training.recognition import cross_validation, framings, ideas, measures, shipped_idea, tell

KEYS = ("au_f1", "au_macro_f1", "coarse_uf1", "coarse_uar", "ece")
SYNTHETIC_CLIPS = 60
FREE_CLIPS = 25


def score(corpus: Corpus) -> dict[str, Any]:
    """The shipped head on ``corpus``: KEYS; what no clip is labelled for is None."""
    head = network.load()
    reading = network.read(corpus.uvs, head)
    measured = measures(Unseen(corpus, reading, reading.units >= head.thresholds))
    return {key: measured[key] for key in KEYS}


# ---------------------------------------------------------------------------------------------- a language model


def questions_report(arguments: argparse.Namespace) -> dict[str, Any]:
    """``--vqa``."""
    asked = vqa.read_vqa(arguments.vqa)
    corpus = read_corpus(arguments.flows, arguments.labels) if arguments.labels else unlabelled(arguments.flows)
    known = dict.fromkeys((one.clip for one in asked), learned.shipped())
    if arguments.by_subject and arguments.labels is None:
        raise InputError("Without --labels nobody knows whose clip is whose. Give them, or leave out --by-subject.")
    if arguments.by_subject:
        everyone = learned.WithoutPeople(corpus, _tables(arguments.data), arguments.seed)
        for clips, groups in cases.held_groups(asked, corpus):
            known |= dict.fromkeys(clips, everyone.learned(groups))
    made = cases.cases(asked, corpus, aligned_faces(arguments.faces), known.__getitem__)
    asker = _asker(arguments)
    with _kept(arguments.answers) as keep:
        return asking.report(asked, made, asker, arguments.free, tell, keep)


@contextmanager
def _kept(path: Path | None) -> Iterator[asking.Keep]:
    """A place for answers, one a line as they come; nowhere without a path."""
    if path is None:
        yield lambda clip, question, text: None
        return
    try:
        file = path.open("w", encoding="utf-8")
    except OSError:
        raise InputError(f"{path.name} cannot be written. Give --answers a path in a folder that exists.") from None

    def keep(clip: str, question: str, text: str) -> None:
        line = {"image_id": clip, "question": question, "said": text}
        file.write(json.dumps(line, ensure_ascii=False) + "\n")
        file.flush()

    with file:
        yield keep


def look_report(arguments: argparse.Namespace) -> dict[str, Any]:
    """``--look``; the table goes to standard error."""
    events = read_tables(data_folder(arguments.data))
    asker = _asker(arguments)
    faces = aligned_faces(arguments.faces)
    numbers = looking.look(asker, looking.rendered(faces, events, arguments.clips, arguments.seed), tell)
    tell(f"\n{looking.table(numbers)}\n")
    return {**numbers, "seed": arguments.seed}


def faithful_report(arguments: argparse.Namespace) -> dict[str, Any]:
    """``--faithful``."""
    events = read_tables(data_folder(arguments.data))
    cases_asked = faithful.unseen(aligned_faces(arguments.faces), events, arguments.seed)
    with _kept(arguments.answers) as keep:
        numbers = faithful.report(_asker(arguments), cases_asked, arguments.clips, tell, keep)
    return {**numbers, "seed": arguments.seed}


def aligned_faces(given: Path | None) -> Faces:
    """The faces of ``--faces``: a folder of pictures, or a file of aligned ones; the astronaut's where none is named.

    Raises InputError.
    """
    place = faces_folder(given)
    if place is None:
        gray, landmarks = aligned(picture_of(""))
        return Faces(gray[None], landmarks[None], ("astronaut",))
    return read_faces(place.parent, place) if place.suffix == ".npz" and place.is_file() else read_faces(place)


def _tables(given: Path | None) -> Path | None:
    """The folder with annotations/, where one is at hand."""
    return data_folder(given) if given or os.environ.get(DATA_VARIABLE) else None


def _asker(arguments: argparse.Namespace) -> asking.Asker:
    """Of ``--model``, a file or a folder of export_gguf; without it of the one that comes with the app.

    Raises InputError where that is not there.
    """
    given, style = arguments.model, arguments.prompt
    if given is not None and given.is_file():
        return asking.Asker(llamacpp.load_now(llamacpp.GgufOptions(given)), style)
    folder = given or EMBEDDED
    manifest = read_manifest(folder)
    if manifest is None:
        where = given.name if given is not None else "weights/embedded"
        raise InputError(f"There is no model in {where}. Give --model a .gguf file with its mmproj beside it.")
    settings = Settings.from_environment({})
    return asking.Asker(llamacpp.load_now(embedded_options(manifest, folder, settings)), style)


# ---------------------------------------------------------------------------------------------- the command


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m mellm_demo.training.evaluate", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--flows", type=Path, help=".npz with uvs and clip_id")
    parser.add_argument(
        "--labels", type=Path, help=".csv with clip_id, dataset, subject, coarse, emotion, action_units"
    )
    parser.add_argument("--json", type=Path, help="write the numbers there")
    parser.add_argument("--cross-validate", action="store_true", help="train anew, people and corpora left out")
    parser.add_argument("--framing", action="store_true", help="people left out, their pictures framed otherwise")
    parser.add_argument("--data", type=Path, help=f"folder with me_flow/ and annotations/; else ${DATA_VARIABLE}")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--synthetic", action="store_true", help="clips with known truth through the whole analysis")
    parser.add_argument("--clips", type=int, default=SYNTHETIC_CLIPS, help="with an expression (default: %(default)s)")
    parser.add_argument(
        "--faces",
        type=Path,
        help="folder of pictures, or the .npz in which training.instruct keeps them; $MELLM_DATA/faces",
    )
    parser.add_argument("--vqa", type=Path, help=".jsonl with image_id, subject, question, answer")
    parser.add_argument("--by-subject", action="store_true", help="five folds; nothing is learned from who is asked of")
    parser.add_argument(
        "--model",
        type=Path,
        help="a .gguf file, its mmproj beside it, or a folder of export_gguf; weights/embedded",
    )
    parser.add_argument(
        "--prompt",
        choices=("brief", "plain"),
        default=asking.STYLE,
        help="how it is told an analysis: as the app tells its own model, or any other (default: %(default)s)",
    )
    parser.add_argument("--free", type=int, default=FREE_CLIPS, help="clips also asked freely (default: %(default)s)")
    parser.add_argument("--answers", type=Path, help="write what the model says there, .jsonl")
    parser.add_argument("--look", action="store_true", help="the model sees motion maps and no measurement")
    parser.add_argument("--faithful", action="store_true", help="the model is asked freely about drawn motions")
    return parser


def _numbers(arguments: argparse.Namespace) -> dict[str, Any]:
    if arguments.synthetic:
        faces = find_faces(faces_folder(arguments.faces))
        made = rendered.synthetic(faces, arguments.clips, arguments.seed, told=True)
        return rendered.synthetic_report(made, arguments.seed)
    if (arguments.flows is None) != (arguments.labels is None) and not arguments.vqa:
        raise InputError("Only one of --flows and --labels was given. Give both.")
    if arguments.look:
        return look_report(arguments)
    if arguments.faithful:
        return faithful_report(arguments)
    if arguments.vqa and arguments.flows is None:
        raise InputError("The questions came without their clips' motion. Give --flows too.")
    if arguments.vqa:
        return questions_report(arguments)
    if arguments.cross_validate or arguments.framing:
        folder = data_folder(arguments.data)
        corpus = read_corpus(arguments.flows, arguments.labels) if arguments.flows else read_me_flow(folder)
        if arguments.framing:
            return framings(material(corpus, shipped_idea(folder), arguments.seed))
        return cross_validation([material(corpus, recipe, arguments.seed) for recipe in ideas(folder)])
    if arguments.flows is None:
        raise InputError(
            "There is nothing to score. Give --flows and --labels, with --vqa or without; --cross-validate, --framing, "
            "--synthetic, --look or --faithful."
        )
    return score(read_corpus(arguments.flows, arguments.labels))


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status 0, or 2 with a sentence where what was given cannot be used."""
    parser = _arguments()
    arguments = parser.parse_args(argv)
    try:
        text = json.dumps(_numbers(arguments), indent=1)
        if arguments.json:
            try:
                arguments.json.write_text(text + "\n", encoding="utf-8")
            except OSError:
                raise InputError(
                    f"{arguments.json.name} cannot be written. Give --json a path in a folder that exists."
                ) from None
    except MellmError as error:
        parser.exit(2, f"{error}\n")
    print(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
