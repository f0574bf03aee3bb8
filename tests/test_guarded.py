"""Each sentence is held against the measurements before it is shown: mended, left out, never looping."""

from __future__ import annotations

import itertools
from collections import deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support_analysis import make_analysis

from mellm_demo.errors import ReasonerError
from mellm_demo.reasoning import guarded
from mellm_demo.reasoning.answering import _not_borne_out
from mellm_demo.reasoning.grounding import check
from mellm_demo.reasoning.guarded import (
    MOST_IN_A_ROW,
    MOST_SENTENCE,
    OTHERWISE,
    TEMPERATURES,
    Asked,
    Guard,
    repeated,
    sentence_end,
    told,
)
from mellm_demo.reasoning.protocol import CutOff, Loading, Rewritten, Thought

SMILE = make_analysis("smile")
TRUE = "Both mouth corners rose."
AGAIN = "This fits AU12, at 2.1 px."
FALSE = "The brows lowered (AU4)."
FALSER = "The chin rose by 9.9 px."
MORE = len(TEMPERATURES) + OTHERWISE  # tries after the first


class Model:
    """Plays one script after the other, each with whatever cuts; the last one is played again if more is wanted.

    Told what not to say it says that all the same.
    """

    def __init__(self, *scripts) -> None:
        self.scripts, self.asked = deque(scripts), []
        self.played = 0  # pieces

    def __call__(self, asked: Asked, emit, stopped) -> None:
        self.asked.append(asked)
        script = self.scripts.popleft() if len(self.scripts) > 1 else self.scripts[0]
        script = asked.not_so[-1] if asked.not_so else script
        for piece in [script] if isinstance(script, str) else script:
            if stopped():
                return
            if isinstance(piece, Exception):
                raise piece
            self.played += 1
            emit(piece)


def unsupported(text: str) -> int | None:
    return min((one.start for one in check(text, SMILE).unsupported), default=None)


def supported(text: str) -> bool:
    return unsupported(text) is None


def pieces_of(model: Model, max_tokens: int = 400, stopped=lambda: False) -> list:
    pieces: list = []
    Guard(model, unsupported, lambda text: len(text) // 4, max_tokens).write(pieces.append, stopped)
    return pieces


def text_of(pieces) -> str:
    return "".join(piece for piece in pieces if isinstance(piece, str))


def outcome(*scripts, **options) -> tuple[str, Rewritten | None]:
    pieces = pieces_of(Model(*scripts), **options)
    return text_of(pieces), next((piece for piece in pieces if isinstance(piece, Rewritten)), None)


def test_the_sentences_of_these_tests_are_what_they_are_called():
    assert all(supported(text) for text in (TRUE, AGAIN, f"{TRUE} {AGAIN}"))
    assert not any(supported(text) for text in (FALSE, FALSER))


# ------------------------------------------------------------------------------------------ sentences


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("It rose. It", "It rose."),
        ("It rose.", None),  # “2.” may go on as “2.1”
        ("By 1.2 px. It", "By 1.2 px."),
        (" It rose! Then", " It rose!"),
        ("**It rose.** Then", "**It rose.**"),
        ("**It rose. It fell.** Then", "**It rose. It fell.**"),
        ("It rose (by 2 px. Or so). Then", "It rose (by 2 px. Or so)."),
        ("“It rose.” Then", "“It rose.”"),
        ("Some, e.g. AU12, rose. Then", "Some, e.g. AU12, rose."),
        ("- It rose. It fell.\n- Then", "- It rose. It fell."),
        ("1. It rose. It fell.\n2. Then", "1. It rose. It fell."),
        ("It rose.\nThen", "It rose."),
        ("**What moved**\n\nIt", "**What moved**"),
        ("\n\nIt rose. Then", "\n\nIt rose."),
        ("嘴角上扬。然后", "嘴角上扬。"),
        ("嘴角上扬。", None),
        ("Did it? No", "Did it?"),
        ("", None),
        ("  \n ", None),
    ],
)
def test_where_a_sentence_ends(text, first):
    end = sentence_end(text, new_line=True)
    assert (None if end is None else text[:end]) == first


def test_a_sentence_without_end_is_taken_in_pieces():
    assert sentence_end("on and on " * 300, new_line=True) == MOST_SENTENCE


@given(st.text(alphabet="a.* \n-1(。)!", max_size=40), st.integers(0, 40), st.booleans())
def test_an_end_once_known_stays(text, cut, new_line):
    early = sentence_end(text[:cut], new_line=new_line)
    assert early is None or early == sentence_end(text, new_line=new_line)


# ------------------------------------------------------------------------------------------ what is shown


def test_what_is_supported_passes_as_it_is():
    text = f"**What moved**\n\n{TRUE} {AGAIN}\n\n- AU12, on both sides."
    assert outcome(text) == (text, None)


@pytest.mark.parametrize(
    "text",
    [
        "An action unit is what one muscle does. AU4 is the brow lowerer.",
        "Whether somebody lies cannot be told from this.",
        "**No.** I do not know who this is!\n\n1. Ask something else.\n2. Or bring another clip.",
    ],
)
def test_definitions_and_refusals_pass(text):
    assert outcome(text) == (text, None)


def test_a_sentence_appears_as_soon_as_it_is_complete():
    shown: list = []

    def model(asked, emit, stopped):
        for piece in (TRUE, " ", "This fits AU12, "):
            emit(piece)
        assert shown == [TRUE]

    Guard(model, unsupported, len, 400).write(shown.append, lambda: False)
    assert len(shown) == 2


def test_a_sentence_without_support_is_written_again():
    model = Model([TRUE, " ", FALSE, " More."], f" {AGAIN}", "")
    pieces = pieces_of(model)
    assert text_of(pieces) == f"{TRUE} {AGAIN}"
    assert pieces[-1] == Rewritten(1, 0)
    assert [asked.after for asked in model.asked] == ["", TRUE, f"{TRUE} {AGAIN}"]
    assert model.asked[0] == Asked("", 400)
    assert model.asked[1].temperature == TEMPERATURES[0]
    assert model.asked[1].seed is not None


def test_after_a_mended_sentence_the_model_goes_on_as_usual():
    model = Model(f"{TRUE} {FALSE} ", f" {AGAIN} {FALSER} ", " It rose.")
    assert text_of(pieces_of(model)) == f"{TRUE} {AGAIN} It rose."
    assert model.asked[2] == Asked(f"{TRUE} {AGAIN}", 400 - len(f"{TRUE} {AGAIN}") // 4)


def test_each_try_is_another_draw():
    model = Model(FALSE, FALSER, FALSE, TRUE, "")
    assert text_of(pieces_of(model)) == TRUE
    assert [asked.temperature for asked in model.asked[1:4]] == list(TEMPERATURES)
    assert len({asked.seed for asked in model.asked[1:4]}) == 3


def test_what_finds_no_support_is_left_out_and_the_model_goes_on_behind_it():
    model = Model(f"{TRUE} {FALSE} ", *[f" {FALSER} "] * MORE, f" {AGAIN}")
    pieces = pieces_of(model)
    assert text_of(pieces) == f"{TRUE} {AGAIN}"
    assert pieces[-1] == Rewritten(0, 1)
    assert model.asked[-1].after == f"{TRUE} {FALSER}"
    assert model.asked[-1].temperature is None


def test_a_paragraph_stays_one_when_its_first_sentence_is_left_out():
    text, _ = outcome(f"**What moved**\n\n{FALSE} ", *[f"\n\n{FALSE} "] * MORE, f" {AGAIN}")
    assert text == f"**What moved**\n\n{AGAIN}"


def test_a_title_with_nothing_under_it_goes():
    scripts = [f"**What moved**\n\n{FALSE} ", *[f"\n\n{FALSE} "] * MORE, f"\n\n**Which action units**\n\n{AGAIN}"]
    assert outcome(*scripts)[0] == f"**Which action units**\n\n{AGAIN}"


def test_a_line_of_a_list_is_left_out_as_a_whole():
    lines = f"- {TRUE} {FALSE}\n"
    text, rewritten = outcome(f"- AU12 is shown.\n{lines}", *[f"\n{lines}"] * MORE, "\n- AU6 is shown.")
    assert text == "- AU12 is shown.\n- AU6 is shown."
    assert rewritten == Rewritten(0, 1)


def test_what_only_the_text_before_makes_wrong_is_not_shown():
    """Alone, “by 1.9 px” could be any region; here it is said of the left corner, which moved by 2.1 px."""
    before, wrong = "The left mouth corner rose.", "It moved by 1.9 px."
    assert supported(wrong)
    text, rewritten = outcome(f"{before} {wrong}", " It moved by 2.1 px.", "")
    assert text == f"{before} It moved by 2.1 px."
    assert rewritten == Rewritten(1, 0)


def test_nothing_may_be_left():
    model = Model(FALSE)
    pieces = pieces_of(model)
    assert text_of(pieces) == ""
    assert pieces == [Rewritten(0, MOST_IN_A_ROW)]
    assert len(model.asked) == MOST_IN_A_ROW * (1 + MORE)


class Heeding:
    """Writes one text at first and in every draw; told what not to say, what it knows to follow after a beginning."""

    def __init__(self, said: str, **other: str) -> None:
        self.said, self.other, self.asked = said, {key.replace("_", " "): text for key, text in other.items()}, []

    def __call__(self, asked: Asked, emit, stopped) -> None:
        self.asked.append(asked)
        if asked.not_so:
            emit(self.other.get(asked.after, ""))
        elif not asked.after:
            emit(self.said)


def test_where_every_draw_is_wrong_it_goes_on_before_the_wrong_word_with_another():
    model = Heeding("The inner brows rose by 2.1 px.", The=" mouth corners rose by 2.1 px.")
    assert outcome_of(model) == ("The mouth corners rose by 2.1 px.", Rewritten(1, 0))
    (tried,) = [asked for asked in model.asked if asked.not_so]
    assert (tried.after, tried.not_so, tried.temperature) == ("The", (" inner brows rose by 2.1 px.",), None)


def test_what_is_still_wrong_is_mended_further_on():
    after = {"The": " mouth corners rose by 9.9 px.", "The mouth corners rose by": " 2.1 px."}
    model = Heeding("The inner brows rose by 2.1 px.", **after)
    assert outcome_of(model)[0] == "The mouth corners rose by 2.1 px."
    assert [asked.after for asked in model.asked if asked.not_so] == list(after)


def test_a_beginning_alone_is_not_shown():
    assert outcome_of(Heeding("The inner brows rose by 2.1 px."))[0] == ""


def test_a_sentence_that_is_wrong_because_it_ends_has_to_go_on():
    """As a list that lacks a unit: the place that is wrong is its end."""
    model = Heeding("AU12", AU12=", AU6.")
    pieces: list = []
    Guard(model, lambda text: None if "AU6" in text else len(text), len, 400).write(pieces.append, lambda: False)
    assert text_of(pieces) == "AU12, AU6."
    assert model.asked[-2].not_so == ("", ".")


def test_of_a_sentence_that_goes_wrong_behind_a_semicolon_the_rest_is_shown():
    text, rewritten = outcome(f"AU12 is shown; AU6 is shown; AU4 is shown. {TRUE}", f" {AGAIN}")
    assert text == f"AU12 is shown; AU6 is shown. {AGAIN}"
    assert rewritten == Rewritten(1, 0)


def test_what_says_a_part_again_is_cut_there():
    assert outcome("AU12 is shown; AU6 is shown; AU12 is shown; AU6 is shown.", "")[0] == "AU12 is shown; AU6 is shown."
    assert repeated("a; b; c.") is None
    assert repeated("a; b; A.") == 6
    assert repeated("") is None


def test_a_list_goes_wrong_at_the_first_wrong_name():
    """Those before it stay when it is written again from there."""
    asked = "What are the action units?"
    for text, right in (
        ("lip corner puller, brow lowerer, chin raiser", "lip corner puller,"),
        ("brow lowerer, lip corner puller", ""),
        ("The chin rose by 9.9 px, and the brows too.", "The "),
    ):
        assert _not_borne_out(SMILE, asked, True, text) == len(right), text
    assert _not_borne_out(SMILE, asked, True, "It is true that both mouth corners rose.") is None


def test_a_sentence_is_not_said_twice():
    """It goes silently: it was true."""
    assert outcome(f"{TRUE} {AGAIN} {TRUE} {AGAIN.upper()}") == (f"{TRUE} {AGAIN}", None)
    assert outcome(f"{TRUE}\n\n{TRUE}\n\n{AGAIN}") == (f"{TRUE}\n\n{AGAIN}", None)
    assert outcome("The AU is 12. The AU is 12.")[0] == "The AU is 12."
    assert outcome("It rose. It rose.")[0] == "It rose. It rose."  # so short that it may be meant


def test_a_sentence_without_end_is_left_at_the_first_wrong_clause():
    model = Model(["AU12 is shown;", *[" AU4 is shown;"] * 50], f" {AGAIN}")
    assert text_of(pieces_of(model)) == f"AU12 is shown. {AGAIN}"
    assert model.played <= 4


def test_what_lacks_something_only_so_far_is_not_cut_short():
    pieces: list = []
    lacking = lambda text: None if "AU6" in text else len(text.rstrip(" .;"))  # noqa: E731
    Guard(Model(["AU12;", " AU25;", " AU6."], ""), lacking, len, 400).write(pieces.append, lambda: False)
    assert pieces == ["AU12; AU25; AU6."]


def test_what_leaves_something_out_is_made_to_go_on_as_often_as_it_helps():
    parts = ["One.", " Two.", " Three.", " Four.", " Five."]

    def ask(needed: int) -> tuple[str, list[Asked]]:
        asked_for: list[Asked] = []

        def go_on(asked: Asked, emit, stopped) -> None:
            asked_for.append(asked)
            emit(parts[len(asked_for) - 1])

        pieces: list = []
        unfinished = lambda text: len(text.split()) < needed  # noqa: E731
        Guard(go_on, lambda text: None, len, 400, unfinished).write(pieces.append, lambda: False)
        return text_of(pieces), asked_for

    assert ask(1)[0] == "One."
    text, asked_for = ask(3)
    assert text == "One. Two. Three."
    assert [asked.not_so for asked in asked_for] == [(), ("", "."), ("", ".")]
    assert asked_for[1].after == "One."
    assert ask(9)[0] == "One. Two. Three. Four."  # no more than FURTHER


def test_what_it_adds_is_left_out_silently_if_it_is_wrong():
    pieces: list = []
    added = lambda asked, emit, stopped: emit(TRUE if not asked.after else f" {FALSE}")  # noqa: E731
    Guard(added, unsupported, len, 400, lambda text: True).write(pieces.append, lambda: False)
    assert pieces == [TRUE]


def test_an_empty_try_is_none():
    model = Model(f"{TRUE} {FALSE}", "", "", f" {AGAIN}", "")
    assert outcome_of(model) == (f"{TRUE} {AGAIN}", Rewritten(1, 0))


def outcome_of(model: Model) -> tuple[str, object]:
    pieces = pieces_of(model)
    return text_of(pieces), pieces[-1]


# ------------------------------------------------------------------------------------------ bounds, Stop, errors


def test_no_more_is_written_than_twice_the_limit():
    model = Model(f"{TRUE} {FALSE} ", f" {AGAIN} {FALSE} ")
    count = Guard(model, unsupported, len, 300)
    pieces: list = []
    count.write(pieces.append, lambda: False)
    assert pieces[-2] == CutOff("length")
    assert len(text_of(pieces)) <= 300 + len(f" {AGAIN}")  # this model does not keep to its limit
    assert all(asked.max_tokens <= 300 - len(asked.after) for asked in model.asked)


@pytest.mark.parametrize("text", ["on and on ", f"{TRUE}\n", f"{FALSE} "])
def test_an_engine_that_never_ends_is_left(text, monkeypatch):
    monkeypatch.setattr(guarded, "MOST_CHARACTERS", 3000)
    model = Model(itertools.repeat(text))
    assert len(text_of(pieces_of(model, max_tokens=10**6))) < 6000
    assert model.played < 1000


@pytest.mark.parametrize("after", range(0, 60, 7))
def test_stop_ends_it_at_any_token(after):
    heard = 0

    def stopped() -> bool:
        nonlocal heard
        heard += 1
        return heard > after

    letters = list(f"{TRUE} {FALSE} {AGAIN} ")
    model = Model(letters, letters)
    pieces = pieces_of(model, stopped=stopped)
    assert model.played <= after
    assert all(isinstance(piece, str) for piece in pieces)
    assert supported(text_of(pieces))


def test_an_error_within_is_raised_and_what_was_shown_stays():
    model = Model([f"{TRUE} {FALSE} "], [f" {AGAIN} "], [" The left", ReasonerError("It burst.")])
    pieces: list = []
    with pytest.raises(ReasonerError, match="It burst"):
        Guard(model, unsupported, len, 400).write(pieces.append, lambda: False)
    assert pieces == [TRUE, f" {AGAIN}", Rewritten(1, 0)]


def test_where_the_answer_was_cut_is_told():
    pieces = pieces_of(Model([f"{TRUE} The left", CutOff("length")]))
    assert pieces == [TRUE, " The left", CutOff("length")]


def test_thoughts_and_progress_pass():
    half, whole = Loading("reading the prompt", 0.5), Loading("reading the prompt", 1.0)
    model = Model([half, Thought("hm"), f"{TRUE} {FALSE} "], [whole, f" {AGAIN}"], [""])
    assert pieces_of(model) == [half, Thought("hm"), TRUE, f" {AGAIN}", Rewritten(1, 0)]


# ------------------------------------------------------------------------------------------ whatever comes

PARTS = [
    TRUE, AGAIN, FALSE, FALSER, "It moved by 1.9 px.", "It moved by 2.1 px", "**What moved**\n\n", "- AU12: fit 0.86\n",
    "- AU4 is shown.\n", "1. Both cheeks rose.\n", "Yes.", "No.", "is not shown.", "AU6", "on the left", "(AU4)", "**",
    "Tentatively, happiness.", "It expresses anger.", "The movement was largest at 1.24 s.", "嘴角上扬。", "眉毛下压。",
    " ", "\n", "(", ")", "e.g. ", "0.", "## AU9\n", "It is a micro-expression.", "It lasted 180 ms.", "x" * 30,
]  # fmt: skip
SCRIPTS = st.lists(st.lists(st.sampled_from(PARTS), max_size=8).map(" ".join), min_size=1, max_size=6)


def cut_up(text: str, cuts: list[int]) -> list[str]:
    places = sorted({cut % (len(text) + 1) for cut in cuts})
    return [text[a:b] for a, b in itertools.pairwise([0, *places, len(text)])]


@settings(deadline=None, max_examples=40)
@given(SCRIPTS, st.lists(st.integers(0, 10_000), max_size=12))
def test_whatever_comes_nothing_unsupported_is_shown_and_cuts_do_not_matter(scripts, cuts):
    whole, pieces = (
        pieces_of(Model(*made, ""), 120) for made in (scripts, [cut_up(script, cuts) for script in scripts])
    )
    assert check(text_of(whole), SMILE).unsupported == ()
    assert whole == pieces


# ------------------------------------------------------------------------------------------ what is told of it


@pytest.mark.parametrize(
    ("numbers", "english"),
    [
        ((0, 0), ""),
        ((1, 0), "1 sentence that the measurements did not support was written again."),
        ((2, 0), "2 sentences that the measurements did not support were written again."),
        ((0, 1), "1 sentence that the measurements did not support was left out."),
        ((2, 1), "2 sentences that the measurements did not support were written again; 1 more was left out."),
    ],
)
def test_what_was_done_is_told_in_one_line(numbers, english):
    assert told(*numbers) == english
    chinese = told(*numbers, "zh")
    assert [int(c) for c in chinese if c.isdigit()] == [number for number in numbers if number]
