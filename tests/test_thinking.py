"""What a model thinks is told apart from what it answers, however the stream is cut; one that goes in circles ends."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mellm_demo.reasoning.protocol import CutOff, Loading, Thought
from mellm_demo.reasoning.thinking import repeats, unfold, until_it_repeats


def told(pieces) -> tuple[str, str]:
    thought = answer = ""
    for piece in unfold(pieces):
        if isinstance(piece, Thought):
            thought += piece.text
        elif isinstance(piece, str):
            answer += piece
    return thought, answer


@pytest.mark.parametrize(
    ("stream", "thought", "answer"),
    [
        ("plain", "", "plain"),
        ("<think>hm</think>\n\nYes.", "hm", "Yes."),
        ("a <think>b</think> c <think>d</think>e", "bd", "a  c e"),
        ("no opening</think>answer", "", "no openinganswer"),
        ("<think>never closed", "never closed", ""),
        ("1 < 2 and <thin", "", "1 < 2 and <thin"),
        ("<think></think>x", "", "x"),
    ],
)
def test_however_it_is_cut(stream, thought, answer):
    for width in range(1, len(stream) + 1):
        pieces = ["".join(part) for part in itertools.batched(stream, width)] if hasattr(itertools, "batched") else [
            stream[start : start + width] for start in range(0, len(stream), width)
        ]  # fmt: skip
        assert told(pieces) == (thought, answer), width


def test_other_pieces_pass_in_their_place():
    assert list(unfold([Loading("x"), "<th", "ink>a", Thought("b"), CutOff("length")])) == [
        Loading("x"), Thought("a"), Thought("b"), CutOff("length"),
    ]  # fmt: skip


@given(st.text(alphabet="<>/think ab", max_size=60), st.integers(1, 7))
def test_nothing_is_lost_but_tags(stream, width):
    thought, answer = told(stream[start : start + width] for start in range(0, len(stream), width))
    kept = sorted(stream.replace("<think>", "").replace("</think>", "").replace(" ", ""))
    found = sorted((thought + answer).replace(" ", ""))
    assert len(found) <= len(stream.replace(" ", ""))
    if "<think>" not in stream and "</think>" not in stream:
        assert found == kept


@pytest.mark.parametrize(
    ("text", "circles"),
    [
        ("The brows lowered. " * 12, True),
        ("好的，我明白了，谢谢你的提问。" * 12, True),
        ("ha " * 12, False),
        ("- The left brow rose.\n- The right brow rose.\n- Both lips parted.\n- Nothing else moved.\n", False),
        ("| 1 | 2 |\n" * 3, False),
        ("", False),
        (" " * 500, False),
    ],
)
def test_circles(text, circles):
    assert repeats(text) == circles


def test_a_stream_in_circles_ends_with_a_mark():
    pieces = list(itertools.islice(until_it_repeats(itertools.cycle(["The smile is ", "a smile. "])), 1000))
    assert pieces[-1] == CutOff("repetition")
    assert len(pieces) < 100


def test_a_stream_that_goes_on_is_left_alone():
    pieces = [f"Region {n} moved by {n * 7 % 13} px. " for n in range(200)]
    assert list(until_it_repeats(pieces)) == pieces
