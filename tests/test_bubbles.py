"""The conversation as it is shown: what was typed stays text, marks tear nothing apart, foreign markup never runs."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mellm_demo.records import Statement
from mellm_demo.ui.bubbles import as_meant, as_typed, checked, marked, messages
from mellm_demo.ui.session import Entry
from mellm_demo.wording import legible

OURS = re.compile(r"<mark class='unsupported' title=\"[^\"<>]*\">|</mark>")
NASTY = st.text(alphabet="ab*_` \n<>&\"'!([)]\x00\x1b\u202e\u200b\ufeff嘴", max_size=60)


def wrong(start: int, end: int, why: str = "measured: none") -> Statement:
    return Statement(start, end, "action unit", "AU4 is shown", False, why)


def test_a_mark_says_what_the_measurements_say():
    shown = marked("AU12 and AU4 rose.", [wrong(9, 12, 'only "AU6" <there>')])
    assert shown == (
        "AU12 and <mark class='unsupported' title=\"Not supported by the measurements: only &quot;AU6&quot; "
        '&lt;there&gt;">AU4</mark> rose.'
    )


def test_what_is_supported_is_not_marked():
    assert marked("AU12 rose.", [Statement(0, 4, "action unit", "AU12", True, "")]) == "AU12 rose."


@pytest.mark.parametrize(
    ("text", "start", "end", "inside"),
    [
        ("**AU4** rose", 2, 5, "AU4"),
        ("AU12 and **AU4** rose", 0, 14, "AU12 and **AU4**"),
        ("the **brows and** cheeks", 8, 24, None),
        ("`AU4` in code", 1, 4, None),
        ("two\nlines", 0, 9, None),
        ("out of range", 7, 99, "range"),
    ],
)
def test_emphasis_code_and_lines(text, start, end, inside):
    found = re.search(r"<mark[^>]*>(.*)</mark>", marked(text, [wrong(start, end)]))
    if inside is None and found is not None:
        assert found[1].count("**") % 2 == 0
    else:
        assert (found[1] if found else None) == inside


@given(NASTY, st.lists(st.tuples(st.integers(-5, 70), st.integers(-5, 70), NASTY), max_size=6))
def test_whatever_is_marked_the_text_stays_and_no_other_markup_is_made(text, places):
    shown = marked(text, [wrong(start, end, why) for start, end, why in places])
    assert OURS.sub("", shown) == as_typed(text)
    opened = 0
    for tag in OURS.findall(shown):
        opened += 1 if tag.startswith("<mark") else -1
        assert opened in (0, 1)
    assert opened == 0
    assert "<" not in OURS.sub("", shown)


@given(NASTY)
def test_what_the_page_sends_back_is_what_was_typed(text):
    assert as_meant(as_typed(text)) == legible(text)


STEERING = "\x00\x07\x08\x1b\x7f\x9b\xad\u200b\u200e\u200f\u202a\u202e\u2060\u2066\u2069\ufeff\ud800\U000e0041"
JOINED = ("👩\u200d🔬", "❤\ufe0f\u200d🔥", "👨🏽\u200d👩🏽\u200d👧", "می\u200cخواهم", "क्\u200dष", "න්\u200dද")


@pytest.mark.parametrize("sign", STEERING, ids=ascii)
def test_what_steers_or_hides_goes_wherever_it_stands(sign):
    assert legible(f"{sign}AU{sign}12\n\trose{sign}") == "AU12\n\trose"
    assert legible(f"a{sign}b", instead="�") == "a�b"


@pytest.mark.parametrize("text", [*JOINED, "naïve Ångström 嘴角\t上扬\n", "Ελλάδα", "שלום"])
def test_what_people_write_stays(text):
    assert legible(text) == text
    assert legible(f"{text}{text}") == text + text


def test_joiners_between_plain_letters_go():
    assert legible("A\u200dU\u200c1\u200d2 \u200d") == "AU12 "
    assert legible("👩\u200d\u200d\u200d🔬") == "👩\u200d🔬"
    assert legible("one\u2028two\u2029three") == "one\ntwo\nthree"


@given(st.text(alphabet="aم👩❤\ufe0f\u200c\u200d\x1b\u202e\n", max_size=30), st.integers(0, 30))
def test_a_text_in_pieces_is_cleaned_as_the_whole(text, cut):
    first = legible(text[:cut])
    assert first + legible(text[cut:], after=first) == legible(text) == legible(legible(text))


@given(NASTY)
def test_a_thought_cannot_leave_its_fold(thought):
    content = messages([Entry("assistant", "Well.", thought=thought)])[0]["content"]
    inside = content.partition("<div>")[2].partition("</div></details>")[0]
    if thought:
        assert html.unescape(inside.replace("<br>", "\n")) == legible(thought).strip()
        assert "<" not in inside.replace("<br>", "")
        assert "\n" not in inside


def test_the_line_below_lists_what_is_wrong_once():
    many = [wrong(0, 1)] * 3 + [Statement(n, n + 1, "time", f"at {n} s", False, "no") for n in range(20)]
    lines = checked("23 statements checked", many).split("\n")
    assert lines[0] == "23 statements checked"
    assert lines[1] == "- AU4 is shown: measured: none"
    assert lines[-1] == "- and 13 more"
    note = messages([Entry("assistant", "\n".join(lines), kind="note")])[0]["content"]
    assert note.startswith("*23 statements checked*\n- AU4")


@pytest.mark.parametrize(("language", "said"), [("en", "not checked: "), ("zh", "无法核对：")])
def test_the_line_below_quotes_what_could_not_be_checked(language, said):
    text = checked("tally", [], ["The <b>eye</b>\nmoved"], language)
    assert text.split("\n") == ["tally", f"- {said}“The <b>eye</b> moved”"]
    assert "<b>" not in messages([Entry("assistant", text, kind="note")])[0]["content"]
