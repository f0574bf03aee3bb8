"""Which intents give way to which where several are found."""

from __future__ import annotations

from mellm_demo.reasoning.intents.kinds import Intent

_I = Intent
# Where the intent on the left is asked for, those on the right are only its wording.
SWALLOWS: dict[Intent, frozenset[Intent]] = {
    _I.LIE: frozenset(set(Intent) - {_I.LIE, _I.UNIT, _I.UNITS, _I.WHEN, _I.GENUINE}),
    _I.GENUINE: frozenset(set(Intent) - {_I.GENUINE, _I.WHEN, _I.UNITS}),
    _I.HEALTH: frozenset(set(Intent) - {_I.HEALTH}),
    _I.IDENTITY: frozenset(set(Intent) - {_I.IDENTITY}),
    _I.TRAITS: frozenset(set(Intent) - {_I.TRAITS}),
    _I.THOUGHTS: frozenset(set(Intent) - {_I.THOUGHTS}),
    _I.USE: frozenset(set(Intent) - {_I.USE, _I.PRIVACY}),
    _I.PRIVACY: frozenset(set(Intent) - {_I.PRIVACY, _I.USE}),
    _I.MODEL: frozenset(set(Intent) - {_I.MODEL}),
    _I.TERM: frozenset(
        set(Intent) - {_I.TERM, _I.SIDE, _I.DURATION, _I.SPANS, _I.LIE, _I.GENUINE, _I.HEALTH, _I.MODEL, _I.PRIVACY}
    ),
    _I.MAGNIFIED: frozenset(set(Intent) - {_I.MAGNIFIED}),
    _I.PICTURE: frozenset(set(Intent) - {_I.PICTURE, _I.UNITS, _I.UNIT}),
    _I.METHOD: frozenset({_I.EXPLAIN, _I.WHY, _I.HELP, _I.WHEN, _I.UNITS, _I.EMOTION, _I.REGION, _I.WHERE}),
    _I.BETTER_CLIP: frozenset(set(Intent) - {_I.BETTER_CLIP}),
    _I.CANDIDATES: frozenset({_I.EXPLAIN, _I.EMOTION, _I.KIND, _I.WHEN, _I.ALTERNATIVES, _I.WHERE, _I.SIDE, _I.HELP}),
    _I.FACES: frozenset(set(Intent) - {_I.FACES}),
    _I.QUALITY: frozenset({_I.EXPLAIN, _I.WHY, _I.DURATION, _I.WHEN, _I.STRENGTH, _I.RELIABILITY, _I.FACES, _I.REGION}),
    _I.RELIABILITY: frozenset({_I.WHY, _I.EXPLAIN, _I.STRENGTH, _I.EMOTION, _I.WHERE, _I.ALTERNATIVES, _I.KIND}),
    _I.SPANS: frozenset({_I.REGION, _I.EXPLAIN, _I.WHEN, _I.UNIT, _I.DURATION, _I.WHERE, _I.EMOTION}),
    _I.COMPARE: frozenset({_I.REGION, _I.SIDE, _I.STRENGTH, _I.WHERE, _I.ALTERNATIVES, _I.EXPLAIN}),
    _I.KIND: frozenset({_I.EMOTION, _I.WHY, _I.EXPLAIN, _I.UNKNOWN}),
    _I.NAMED_EMOTION: frozenset({_I.EMOTION, _I.COARSE, _I.ALTERNATIVES, _I.WHY, _I.EXPLAIN, _I.WHERE, _I.STRENGTH}),
    _I.ALTERNATIVES: frozenset({_I.EMOTION, _I.WHY, _I.EXPLAIN, _I.HELP}),
    _I.UNIT: frozenset({_I.UNITS, _I.REGION, _I.EXPLAIN, _I.EMOTION, _I.WHERE}),
    _I.WHERE: frozenset({_I.STRENGTH, _I.EXPLAIN}),
    _I.STRENGTH: frozenset({_I.EXPLAIN}),
    _I.WHY: frozenset({_I.EMOTION, _I.EXPLAIN, _I.UNIT, _I.UNITS}),
    _I.EMOTION: frozenset({_I.COARSE, _I.EXPLAIN}),
    _I.COARSE: frozenset({_I.EXPLAIN}),
    _I.UNITS: frozenset({_I.EXPLAIN}),
    _I.WHEN: frozenset({_I.EXPLAIN}),
    _I.SIDE: frozenset({_I.EXPLAIN, _I.REGION}),
    _I.DURATION: frozenset({_I.EXPLAIN, _I.WHEN}),
}
# Said along with a question, or instead of one.
POLITE = frozenset({_I.GREETING, _I.THANKS, _I.HELP})
