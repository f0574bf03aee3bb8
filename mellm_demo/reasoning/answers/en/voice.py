"""The English voice: explanation, answers and suggestions in one place."""

from __future__ import annotations

from mellm_demo.reasoning.answers.en import (
    emotions,
    explanation,
    limits,
    motion,
    nothing,
    recording,
    talk,
    times,
    trust,
    units,
    words,
)
from mellm_demo.reasoning.answers.kinds import Voice, answers_of

ENGLISH = Voice(
    explain=explanation.explain,
    short=nothing.short,
    suggestions=talk.suggestions,
    answers=answers_of(explanation, units, times, motion, emotions, trust, recording, words, limits, talk),
)
