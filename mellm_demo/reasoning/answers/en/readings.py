"""What claimed action units may express: readings for and against, classes, patterns. English."""

from __future__ import annotations

from mellm_demo import facs, wording
from mellm_demo.headline import clause
from mellm_demo.reasoning.answers.en.pieces import claimed_codes, codes
from mellm_demo.reasoning.answers.shared import coarse_shares
from mellm_demo.reasoning.facts import Facts, support
from mellm_demo.records import EmotionHypothesis
from mellm_demo.wording import joined, number

MEASURED = "Motion is measured; emotion is inferred. The same movement can accompany different feelings, or none."


def reading_told(facts: Facts) -> str:
    """Step three: the best reading or two, what speaks for and against, and the coarse class."""
    if not facts.units:
        return "Without an action unit there is nothing to read an emotion from."
    named = wording.readings(facts.emotions)
    if not named:
        text = f"{claimed_codes(facts)} alone point{'s' if len(facts.units) == 1 else ''} to no particular emotion."
    elif len(named) == 2:
        one, two = named
        text = (
            f"{claimed_codes(facts)} could belong to **{one.name}** ({speaks_for(facts, one)}) or to **{two.name}** "
            f"({speaks_for(facts, two)}). The motion alone does not decide between them."
        )
    else:
        best = named[0]
        text = f"Tentatively, **{best.name}**: {speaks_for(facts, best)}."
        if best.reasons_against:
            text += f" Against it: {reasons_told(best.reasons_against)}."
        if len(facts.emotions) > 1:
            second = facts.emotions[1]
            against = f" ({reasons_told(second.reasons_against)})" if second.reasons_against else ""
            text += f" Less well supported: {second.name}{against}."
    return f"{text} {_coarse_sentence(facts)}".strip()


def speaks_for(facts: Facts, reading: EmotionHypothesis) -> str:
    """What speaks for a reading, from the tables of facs; else the reading's own reasons."""
    if reading.name not in facs.EMOTION_BY_NAME:
        return reasons_told(reading.reasons_for)
    held = support(facts, reading.name)
    told = []
    if held.one_sided and held.shown:
        told.append(f"{codes(held.shown)} on one side only is what it goes by")
    elif held.shown and not held.missing and facs.EMOTION_BY_NAME[reading.name].prototype:
        told.append(f"its usual pattern, {codes(held.pattern)}, is complete")
    elif held.shown and held.missing:
        told.append(f"of its usual pattern {' + '.join(f'AU{au}' for au in held.pattern)}, {_are(held.shown)} shown")
    ruled = [rule for rule in held.rules if len(rule) == max(len(one) for one in held.rules)]
    if ruled:
        rule = joined([" with ".join(f"AU{au}" for au in rule) for rule in ruled], last="or")
        told.append(f"CASME II codes {rule} as {reading.name}")
    if held.counts and not ruled:
        au, count, clips = max(held.counts, key=lambda item: item[1])
        told.append(f"in CASME II, {count} of its {clips} clips show AU{au}")
    return "; ".join(told) or reasons_told(reading.reasons_for)


def _are(units: tuple[int, ...]) -> str:
    return f"{codes(units)} {'is' if len(units) == 1 else 'are'}"


def reasons_told(reasons: tuple[str, ...]) -> str:
    """Reasons of the recognition, joined into one clause."""
    return (
        "; ".join(wording.tidy_codes(clause(reason)) for reason in reasons)
        if reasons
        else "the shown action units belong to it"
    )


def _coarse_sentence(facts: Facts) -> str:
    shares = coarse_shares(facts)
    if not shares:
        return ""
    (best, share), *others = shares
    rest = ", ".join(f"{name} {number(value, 2)}" for name, value in others)
    return f"Of the three coarse classes {best} has the largest share ({number(share, 2)}; {rest})."


def pattern_words(facts: Facts, name: str) -> str:
    """What an emotion is tied to, and how much of that is shown."""
    held = support(facts, name)
    if held.one_sided:
        if held.shown:
            return f"{codes(held.shown)} on one side only is what contempt goes by."
        return "Contempt goes by a one-sided AU12 or AU14, and neither is shown on one side alone."
    text = f"It is usually tied to {codes(held.pattern)}"
    if not held.shown:
        return f"{text}, none of which is shown."
    missing = tuple(au for au in held.pattern if au not in held.shown)
    return f"{text}: {_are(held.shown)} shown" + (f", {_are(missing)} not." if missing else ".")
