"""The Chinese voice: explanation, answers and suggestions in one place."""

from __future__ import annotations

from mellm_demo.reasoning.answers.kinds import Voice, answers_of
from mellm_demo.reasoning.answers.zh import (
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

CHINESE = Voice(
    explain=explanation.explain,
    short=nothing.short,
    suggestions=talk.suggestions,
    answers=answers_of(explanation, units, times, motion, emotions, trust, recording, words, limits, talk),
)
