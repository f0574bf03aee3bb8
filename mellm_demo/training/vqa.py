"""ME-VQA in MEGC's format: scores of answers, contradictions among them, and what answering blindly would score.

Answers are read as MEGC writes them, case and full stops aside. No model is loaded here: predictions come in as text.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from mellm_demo import facs
from mellm_demo.errors import InputError
from mellm_demo.reasoning.grounding import check
from mellm_demo.records import Analysis
from mellm_demo.training.instruct import vqa
from mellm_demo.training.scores import f1, uf1_uar

Kind = Literal["coarse", "fine", "list", "shown", "side", "combined", "other"]
FIELDS = ("image_id", "subject", "question", "answer")
MOST_WORDS = 4  # of BLEU's n-grams


@dataclass(frozen=True)
class Asked:
    """One question of a clip with its true answer."""

    clip: str
    subject: str
    question: str
    answer: str

    @property
    def kind(self) -> Kind:
        """Which of MEGC's questions it is."""
        return kind_of(self.question)


def read_vqa(path: Path) -> tuple[Asked, ...]:
    """The questions of a JSONL file with image_id, subject, question, answer. Raises InputError."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        raise InputError(f"There is no file {path.name}. Give ME-VQA questions as .jsonl.") from None
    asked = []
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
            asked.append(Asked(*(str(row[name]) for name in FIELDS)))
        except (ValueError, KeyError, TypeError):
            raise InputError(f"Line {number} of {path.name} is no question: it needs {', '.join(FIELDS)}.") from None
    if not asked:
        raise InputError(f"{path.name} holds no question. Give ME-VQA questions as .jsonl.")
    return tuple(asked)


def kind_of(question: str) -> Kind:
    """By MEGC's words."""
    fixed: dict[str, Kind] = {
        vqa.COARSE: "coarse", vqa.FINE: "fine", vqa.LIST_ONE: "list", vqa.LIST_MANY: "list",
        vqa.COMBINED_ONE: "combined", vqa.COMBINED_MANY: "combined",
    }  # fmt: skip
    if question in fixed:
        return fixed[question]
    if question.startswith("Is the action unit "):
        return "shown" if question.endswith("shown on the face?") else "side"
    return "other"


def unit_asked(question: str) -> str:
    """The name in a question for one unit."""
    found = re.fullmatch(r"Is the action unit (.+?) (?:shown on the face|located on .+)\?", question)
    return found[1].lower() if found else ""


def plain(text: str) -> str:
    """Lower case, single spaces, no full stop at the end."""
    return re.sub(r"\s+", " ", text).strip().rstrip(".").lower()


def units_in(text: str) -> frozenset[str]:
    """Names of units in a list or a combined answer, as MEGC calls them."""
    said = plain(text)
    combined = re.search(r"action units? present (?:is|are): (.+?)\. therefore", said)
    names = (combined[1] if combined else said).split(",")
    return frozenset(name.strip() for name in names if name.strip() and name.strip() != "none")


def classes_in(text: str) -> tuple[str, str]:
    """Fine and coarse class of a combined answer; empty where it names none."""
    fine = re.search(r"fine-grained expression class is ([\w-]+)", plain(text))
    coarse = re.search(r"coarse expression class is ([\w-]+)", plain(text))
    return fine[1] if fine else "", coarse[1] if coarse else ""


def folds(asked: Sequence[Asked], count: int = 5) -> list[frozenset[str]]:
    """Subjects of each fold: sorted by their number of questions, dealt out in turn. No subject is in two."""
    sizes = Counter(one.subject for one in asked)
    order = sorted(sizes, key=lambda subject: (-sizes[subject], subject))
    return [frozenset(order[first::count]) for first in range(min(count, len(order)))]


# --------------------------------------------------------------------------------------------- scores


def scores(asked: Sequence[Asked], said: Sequence[str]) -> dict[str, float]:
    """All scores of answers to these questions, in their order; those that no question asks for are left out.

    UF1 and UAR over the classes that occur; AU F1 over the units that truly occur in the lists; BLEU and ROUGE-1 over
    all answers.
    """
    if len(asked) != len(said):
        raise ValueError(f"{len(asked)} questions, {len(said)} answers")
    by_kind: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for one, answer in zip(asked, said, strict=True):
        by_kind[one.kind].append((plain(one.answer), plain(answer)))
    result: dict[str, float] = {}
    for kind in ("coarse", "fine"):
        if by_kind[kind]:
            uf1, uar = _class_scores(by_kind[kind])
            result |= {f"{kind}_uf1": uf1, f"{kind}_uar": uar}
    if by_kind["list"]:
        result["au_macro_f1"] = _unit_f1([(units_in(true), units_in(told)) for true, told in by_kind["list"]])
    for kind, name in (("shown", "yes_no_accuracy"), ("side", "side_accuracy")):
        if by_kind[kind]:
            result[name] = float(np.mean([true == told for true, told in by_kind[kind]]))
    pairs = [(plain(one.answer), plain(answer)) for one, answer in zip(asked, said, strict=True)]
    result["bleu"], result["rouge1"] = bleu(pairs), rouge1(pairs)
    result["contradictions"] = contradictions(asked, said)
    return result


def _class_scores(pairs: Sequence[tuple[str, str]]) -> tuple[float, float]:
    """UF1 and UAR over the classes that occur; an answer that is no class is a miss of the true one."""
    names = sorted({true for true, _ in pairs})
    true = np.array([names.index(name) for name, _ in pairs])
    told = np.array([names.index(name) if name in names else -1 for _, name in pairs])
    return uf1_uar(told, true, len(names))


def listed_f1(asked: Sequence[Asked], said: Sequence[str], among: Collection[int]) -> float:
    """Macro-F1 of the lists over those of these units that truly occur."""
    pairs = [
        (units_in(one.answer), units_in(text)) for one, text in zip(asked, said, strict=True) if one.kind == "list"
    ]
    return _unit_f1(pairs, frozenset(vqa.name_of(au) for au in among))


def _unit_f1(pairs: Sequence[tuple[frozenset[str], frozenset[str]]], among: frozenset[str] | None = None) -> float:
    there = frozenset().union(*(true for true, _ in pairs))
    names = sorted(there if among is None else there & among)
    values = [f1(np.array([n in told for _, told in pairs]), np.array([n in true for true, _ in pairs])) for n in names]
    return float(np.mean(values)) if values else 0.0


def bleu(pairs: Iterable[tuple[str, str]]) -> float:
    """BLEU of a corpus (Papineni et al. 2002), up to 4 words, or as many as the longest answer has.

    pairs: (reference, answer).
    """
    matched, counted, reference_length, length = Counter[int](), Counter[int](), 0, 0
    for reference, answer in pairs:
        true, told = _words(reference), _words(answer)
        reference_length, length = reference_length + len(true), length + len(told)
        for n in range(1, MOST_WORDS + 1):
            there, said = _grams(true, n), _grams(told, n)
            matched[n] += sum(min(count, there[gram]) for gram, count in said.items())
            counted[n] += sum(said.values())
    orders = [n for n in range(1, MOST_WORDS + 1) if counted[n]]
    if not orders or any(not matched[n] for n in orders):
        return 0.0
    precision = sum(math.log(matched[n] / counted[n]) for n in orders) / len(orders)
    brevity = min(0.0, 1.0 - reference_length / length)
    return math.exp(precision + brevity)


def rouge1(pairs: Iterable[tuple[str, str]]) -> float:
    """ROUGE-1 F (Lin 2004), the mean over answers. pairs: (reference, answer)."""
    values = []
    for reference, answer in pairs:
        true, told = Counter(_words(reference)), Counter(_words(answer))
        shared = sum((true & told).values())
        values.append(2.0 * shared / max(sum(true.values()) + sum(told.values()), 1))
    return float(np.mean(values)) if values else 0.0


def _words(text: str) -> list[str]:
    return re.findall(r"\w+(?:-\w+)*|[^\w\s]", text)


def _grams(words: Sequence[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[first : first + n]) for first in range(len(words) - n + 1))


# --------------------------------------------------------------------------------------------- agreement


def contradictions(asked: Sequence[Asked], said: Sequence[str]) -> float:
    """The share of clips with a combined answer that disagrees with the same model's own separate ones."""
    clips: dict[str, list[tuple[Asked, str]]] = defaultdict(list)
    for one, answer in zip(asked, said, strict=True):
        clips[one.clip].append((one, plain(answer)))
    judged = [_contradicts(pairs) for pairs in clips.values() if any(one.kind == "combined" for one, _ in pairs)]
    return float(np.mean(judged)) if judged else 0.0


def _contradicts(pairs: Sequence[tuple[Asked, str]]) -> bool:
    whole = next(answer for one, answer in pairs if one.kind == "combined")
    units, (fine, coarse) = units_in(whole), classes_in(whole)
    for one, answer in pairs:
        if one.kind == "coarse" and answer != coarse:
            return True
        if one.kind == "fine" and answer != fine:
            return True
        if one.kind == "list" and units_in(answer) != units:
            return True
        if one.kind == "shown" and (answer == "yes") != (unit_asked(one.question) in units):
            return True
    return fine in facs.EMOTION_BY_NAME and facs.EMOTION_BY_NAME[fine].coarse != coarse


def faithfulness(answers: Iterable[tuple[str, str, Analysis]]) -> tuple[float, int]:
    """The share of statements in free answers that the record supports, and how many statements there were.

    answers: question (empty for an explanation), answer, what it is about.
    """
    supported = count = 0
    for question, text, analysis in answers:
        grounding = check(text, analysis, question=question)
        count += len(grounding.statements)
        supported += len(grounding.statements) - len(grounding.unsupported)
    return (supported / count if count else 1.0), count


# --------------------------------------------------------------------------------------------- answering blindly


def blind_answers(training: Sequence[Asked], asked: Sequence[Asked]) -> list[str]:
    """What frequencies alone would answer: to each question the commonest training answer of that question or kind."""
    by_question: dict[str, Counter[str]] = defaultdict(Counter)
    by_kind: dict[str, Counter[str]] = defaultdict(Counter)
    for one in training:
        by_question[one.question][one.answer] += 1
        by_kind[one.kind][one.answer] += 1

    def answer(one: Asked) -> str:
        seen = by_question[one.question] if one.question in by_question else by_kind[one.kind]
        return min(seen, key=lambda text: (-seen[text], text)) if seen else ""

    return [answer(one) for one in asked]


def blind_prior(asked: Sequence[Asked]) -> dict[str, float]:
    """The scores of answering blindly, knowing for a subject the answers of all others."""
    blind: dict[Asked, str] = {}
    for subject in {one.subject for one in asked}:
        own = [one for one in asked if one.subject == subject]
        others = [one for one in asked if one.subject != subject]
        blind |= dict(zip(own, blind_answers(others, own), strict=True))
    return scores(asked, [blind[one] for one in asked])


def evaluate(asked: Sequence[Asked], answer: Callable[[Asked], str]) -> dict[str, object]:
    """Ask everything and score it; beside it the blind prior."""
    return {
        **scores(asked, [answer(one) for one in asked]),
        "blind_prior": blind_prior(asked),
        "questions": len(asked),
    }
