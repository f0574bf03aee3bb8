"""What an answer leaves out of a part of the face that was asked about."""

from __future__ import annotations

import pytest
from support_analysis import make_analysis

from mellm_demo.reasoning.complete import unfinished


@pytest.mark.parametrize(
    ("question", "answer", "lacking"),
    [
        ("And the brows?", "Both inner brows moved down. Both outer brows moved down.", False),
        ("And the brows?", "The left inner brow moved down by 1.7 px.", True),
        ("Did the brows move?", "Yes. Both inner brows moved down.", True),
        ("Did the brows move?", "Yes. The brows moved down.", False),
        ("Did the left brow move?", "Yes. The left inner brow and the left outer brow moved down.", False),
        ("What did the inner brows do?", "The right inner brow moved down.", True),
        ("Did the brows move?", "Yes.", False),  # no list
        ("Did the brows move?", "The right cheek did not move.", False),
        ("Did the cheeks move?", "No. The cheeks did not move.", False),
        ("What moved?", "The left inner brow moved down.", False),  # the whole face: a choice is as good
        ("Which action units are shown?", "AU4.", False),
        ("", "The left inner brow moved down.", False),
    ],
)
def test_of_a_part_that_was_asked_about_everything_that_moved_is_told(question, answer, lacking):
    assert unfinished(answer, make_analysis("frown"), question) == lacking
