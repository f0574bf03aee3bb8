"""Action units → coarse class and tentative emotions, with reasons for and against and what to keep in mind.

Two sources speak for an emotion: published rules and prototypes (EMFACS; Yan et al. 2014), and how three corpora call
the emotion where these units were coded (see corpora.py). Both count alike. Knows nothing of motion.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mellm_demo import facs
from mellm_demo.recognition import corpora
from mellm_demo.recognition.corpora import Corpus
from mellm_demo.records import ActionUnitEvidence, CoarseClass, EmotionHypothesis, FloatArray


def likelihoods(
    clips_of: Mapping[str, int] = facs.CASME2_CLIPS, counts_of: Mapping[str, Mapping[int, int]] = facs.CASME2_COUNTS
) -> dict[int, FloatArray]:
    """How much more often each unit occurs with one coarse class than with another: shares that sum to 1.

    CASME II's counts where it has them; else the classes in whose rules and prototypes the unit stands (Y14, EMFACS,
    D17). Shrunk towards a third, since the corpora are small and disagree.
    clips_of: emotion → clips. counts_of: emotion → unit → clips that show it.
    """
    classes = facs.COARSE_CLASSES
    shares: dict[int, FloatArray] = {}
    for unit in facs.ACTION_UNITS:
        counts, clips = np.zeros(3), np.zeros(3)
        for emotion, total in clips_of.items():
            row = classes.index(facs.EMOTION_BY_NAME[emotion].coarse)
            clips[row] += total
            counts[row] += counts_of.get(emotion, {}).get(unit.number, 0)
        if counts.any():
            rates = (counts + PRIOR_COUNT) / (clips + 3 * PRIOR_COUNT)
        elif unit.number in RULE_CLASSES:
            rates = np.array([RULE_SHARE if name == RULE_CLASSES[unit.number] else 1.0 for name in classes])
        else:
            continue
        share = rates / rates.sum()
        shares[unit.number] = (1 - SHRINKAGE) * share + SHRINKAGE / 3
    return shares


PRIOR_COUNT = 2.0  # clips of each class that are added to CASME II's counts
SHRINKAGE = 0.15
RULE_SHARE = 4.0  # odds of the class that a rule names where nothing was counted
# Units that CASME II's counts leave out: the coarse class whose rule names them (Y14, then D17, then the prototypes).
RULE_CLASSES: dict[int, str] = {
    5: "surprise",
    6: "positive",
    20: "negative",
    23: "negative",
    24: "negative",
    25: "surprise",
    26: "surprise",
}
CLASS_LIKELIHOOD: dict[int, FloatArray] = likelihoods()


@dataclass(frozen=True)
class Counts:
    """What was counted over codings, so that it can be counted without the people on whom it is tested."""

    corpora: tuple[Corpus, ...]
    likelihood: Mapping[int, FloatArray]  # unit → shares of the coarse classes, see ``likelihoods``


def shipped_counts() -> Counts:
    """The counts that come with the app. Raises WeightsError where their file is missing or another one."""
    return Counts(corpora.table(), CLASS_LIKELIHOOD)


def coarse_class(units: Sequence[ActionUnitEvidence], counts: Counts | None = None) -> CoarseClass | None:
    """Shares of the three classes of MEGC, which sum to 1; None where no unit says anything about them.

    Units are taken as independent and count by their probability; all classes are equally likely beforehand.
    counts: the shipped ones where not given.
    """
    likelihood = counts.likelihood if counts else CLASS_LIKELIHOOD
    log_odds, said = np.zeros(3), False
    parted = any(unit.au in PARTS_LIPS for unit in units)
    for unit in units:
        if unit.au in likelihood and not (parted and unit.au == LIPS_PARTED):
            log_odds += unit.probability * np.log(likelihood[unit.au])
            said = True
    if not said:
        return None
    shares = np.exp(log_odds - log_odds.max())
    negative, positive, surprise = (float(share) for share in shares / shares.sum())
    return CoarseClass(negative, positive, surprise)


MIN_SUPPORT = 0.2  # weaker hypotheses are not mentioned
MISSING_PENALTY = 0.5  # share of a prototype's support that its absent units take away
# How far each kind of rule carries by itself: an emotion stays tentative even where a unit is certain.
PROTOTYPE_SUPPORT = 0.85  # every unit of the prototype is there
RULE_SUPPORT = 0.7  # a rule of CASME II is met
CONTEMPT_SUPPORT = 0.6  # one-sided corners are seen in smiles as well
# Of the support, what the rules decide; the rest is the corpora's. On corpora that were left out of the counts, halves
# name the coded emotion more often than either alone on two of three (the card has the table).
RULES_SHARE = 0.5
MIN_TOLD = 0.15  # share of the corpora's reading from which it is a reason
# Parted lips are a rule for surprise by themselves only: each of these units parts the lips on its way.
PARTS_LIPS: frozenset[int] = frozenset({10, 12, 15, 16, 20})
LIPS_PARTED = 25


def emotions(units: Sequence[ActionUnitEvidence], counts: Counts | None = None) -> tuple[EmotionHypothesis, ...]:
    """Tentative readings with reasons for and against, best supported first; empty where nothing fits.

    counts: the shipped ones where not given.
    """
    counts = counts or shipped_counts()
    by_number = {unit.au: unit for unit in units}
    if PARTS_LIPS & by_number.keys():
        by_number.pop(LIPS_PARTED, None)
    sure = max((unit.probability for unit in by_number.values()), default=0.0)
    shares = corpora.reading(
        {unit.au: (unit.probability, unit.side != "both") for unit in by_number.values()}, counts.corpora
    )
    counted = {name: sure * share for name, share in shares.items()}
    asked = corpora.telling(sorted(by_number, key=lambda number: -by_number[number].probability), counts.corpora)
    ruled = {emotion.name: by_rules(emotion, by_number) for emotion in facs.EMOTIONS}
    support = joined({name: part[0] for name, part in ruled.items()}, counted)
    hypotheses = []
    for emotion in facs.EMOTIONS:
        _, reasons_for, reasons_against = ruled[emotion.name]
        if counted.get(emotion.name, 0.0) >= MIN_TOLD and (told := corpora.calls(asked, emotion.name, counts.corpora)):
            reasons_for.append(f"{_sum(asked)} coded as {emotion.name}: {told}")
        if reasons_for and support[emotion.name] >= MIN_SUPPORT:
            against = dict.fromkeys((*reasons_against, *_strangers(emotion, by_number, counts)))
            hypotheses.append(
                EmotionHypothesis(emotion.name, min(support[emotion.name], 1.0), tuple(reasons_for), tuple(against))
            )
    return tuple(sorted(hypotheses, key=lambda hypothesis: -hypothesis.support))


def joined(ruled: Mapping[str, float], counted: Mapping[str, float]) -> dict[str, float]:
    """Support by rules and by counts → the support that is shown; rules alone where no corpus knows the units."""
    if not counted:
        return dict(ruled)
    return {name: RULES_SHARE * ruled[name] + (1.0 - RULES_SHARE) * counted.get(name, 0.0) for name in ruled}


def _strangers(emotion: facs.Emotion, units: Mapping[int, ActionUnitEvidence], counts: Counts) -> list[str]:
    """What speaks against an emotion though no rule says so: units that usually go with another class."""
    own = emotion.prototype.union(*emotion.casme2) | (
        facs.CONTEMPT_ONE_SIDED if emotion.name == "contempt" else frozenset()
    )
    told = [
        f"{_label(units[number])} is rather seen with {usual}"
        for number in sorted(units.keys() - own)
        if number in counts.likelihood
        and (usual := _usual_class(counts.likelihood[number])) != CLASS_IN_WORDS.get(emotion.coarse, emotion.coarse)
    ]
    if emotion.name in ("disgust", "anger") and {4, 7} <= units.keys():
        told.append("AU 4 + 7 counts as disgust in CASME II and as anger in SAMM: the corpora disagree")
    return told


def by_rules(emotion: facs.Emotion, units: Mapping[int, ActionUnitEvidence]) -> tuple[float, list[str], list[str]]:
    """Support by published rules and prototypes (0..1), with reasons for and against."""
    reasons_for: list[str] = []
    reasons_against: list[str] = []
    support = 0.0
    for wanted in emotion.casme2:
        if wanted <= units.keys():
            support = max(support, RULE_SUPPORT * min(units[number].probability for number in wanted))
            reasons_for.append(f"{_join(wanted, units)}: the rule of CASME II for {emotion.name}")
    there, absent = emotion.prototype & units.keys(), emotion.prototype - units.keys()
    if there:
        coverage = sum(units[number].probability for number in there) / len(emotion.prototype)
        support = max(
            support, PROTOTYPE_SUPPORT * coverage * (1 - MISSING_PENALTY * len(absent) / len(emotion.prototype))
        )
        reasons_for.append(f"{_join(there, units)} of the prototype {_sum(emotion.prototype)}")
    if emotion.name == "contempt":
        for number in sorted(facs.CONTEMPT_ONE_SIDED & units.keys()):
            if units[number].side != "both":
                support = max(support, CONTEMPT_SUPPORT * units[number].probability)
                reasons_for.append(f"{_label(units[number])} on one side only")
                reasons_against.append("one-sided lip corners also occur in ordinary and in posed smiles")
    if absent and emotion.prototype:
        reasons_against.append(f"{_sum(absent)} of the prototype {'was' if len(absent) == 1 else 'were'} not seen")
    return support, reasons_for, reasons_against


CLASS_IN_WORDS: dict[str, str] = {"negative": "negative emotions", "positive": "happiness"}


def _usual_class(shares: FloatArray) -> str:
    name = facs.COARSE_CLASSES[int(np.argmax(shares))]
    return CLASS_IN_WORDS.get(name, name)


def _label(unit: ActionUnitEvidence) -> str:
    side = "" if unit.side == "both" else f", {unit.side}"
    return f"AU {unit.au} ({unit.name}{side})"


def _join(numbers: Iterable[int], units: Mapping[int, ActionUnitEvidence]) -> str:
    return " and ".join(_label(units[number]) for number in sorted(numbers))


def _sum(numbers: Iterable[int]) -> str:
    return "AU " + " + ".join(str(number) for number in sorted(numbers))


# ------------------------------------------------------------------------------------------ notes

HONESTY = (
    "Only published rules read this movement. Their numbers say how well the motion fits, not how often such a claim "
    "is right."
)
# What to keep in mind when a unit is claimed.
UNIT_NOTES: dict[int, str] = {
    6: "A raised cheek is also lifted along by a strong smile: AU 6 is claimed only where the lower lid rises with it.",
    7: "Lower lids also move with gaze: AU 7 is among the least reliable units in two-dimensional motion.",
    9: "Motion of the nose is hard to tell from a small turn of the head: look at the magnified loop before trusting "
    "AU 9.",
    14: "AU 14 (corners pinched) is easily confused with AU 12 (lifted) and AU 20 (stretched).",
    17: "A swallow or a word also moves the chin up.",
    20: "AU 20 (stretched) is told from AU 12 only by the missing lift of the corners.",
    23: "Tightened lips, AU 23, look much like a dimple on both sides, AU 14, in two dimensions.",
    25: "Parted lips also occur in speech and breathing.",
    26: "A dropping jaw also occurs in speech and breathing.",
    43: "The upper lids go down as in a blink; closing eyes are no expression by themselves.",
}
ONE_SIDED_NOTE = "{units} on one side only: light from the side or a turned head can hide the other side."
CORPORA_NOTE = (
    "AU 4 + 7 counts as disgust in CASME II and as anger in SAMM: the coarse class stands, the emotion does not."
)
EMOTION_NOTE = "A face can show such motion with several emotions or with none; the emotion words are tentative."


def notes_on(
    units: Sequence[ActionUnitEvidence], honesty: str = HONESTY, counts: Counts | None = None
) -> tuple[str, ...]:
    """What to keep in mind with these claims, what their numbers mean first; nothing where there are none."""
    if not units:
        return ()
    numbers = {unit.au for unit in units}
    notes = [honesty, EMOTION_NOTE]
    known = (counts or shipped_counts()).corpora
    if told := corpora.disagreement(corpora.telling((unit.au for unit in units), known), known):
        notes.append(told)
    if {4, 7} <= numbers:
        notes.append(CORPORA_NOTE)
    notes += [UNIT_NOTES[number] for number in sorted(numbers) if number in UNIT_NOTES]
    one_sided = [unit for unit in units if unit.side != "both"]
    if one_sided:
        notes.append(ONE_SIDED_NOTE.format(units=", ".join(_label(unit) for unit in one_sided)))
    return tuple(notes)
