"""Questions about action units, classes and readings: MEGC's kinds, and what people ask beyond them."""

from __future__ import annotations

from mellm_demo import facs
from mellm_demo.reasoning import brief
from mellm_demo.reasoning.facts import Facts
from mellm_demo.records import ActionUnitEvidence
from mellm_demo.training.expected import tempting
from mellm_demo.training.instruct import phrases
from mellm_demo.training.instruct.ask_motion import Asked, nothing
from mellm_demo.training.instruct.wordings import Speaker, listed

TENTATIVE = "{Motion is measured; emotion is inferred.|This is inferred, not measured.|That is tentative.|The motion alone proves no feeling.}"
NO_UNIT = "{The motion fits none of the action units looked for.|No action unit is claimed: the motion fits none of those looked for.}"


def which(facts: Facts, say: Speaker) -> Asked | None:
    """The list."""
    question = say(
        "{Which|What} action units {are shown|are there|do you see|were found|are active|are present}?", "{AUs|Action units}?",
        "{List|Name|Give me} the action units{.|, please.}", "{What does FACS say|How would FACS code this}?",
    )  # fmt: skip
    if not facts.found:
        return question, say.joined([nothing(facts, say), say("{So no action unit is claimed.|}")])
    if not facts.units:
        return question, say(NO_UNIT)
    told = [f"{phrases.code(unit)} {phrases.side_of(unit)}".strip() for unit in facts.units]
    answer = say("{The motion supports |Shown: |}[told].", told="; ".join(told))
    if say.maybe(0.35):
        best = facts.units[0]
        answer += " " + say(
            "{Best supported|The strongest evidence}{:| is} AU[au] ([fit]).",
            au=str(best.au),
            fit=phrases.fit(best),
        )
    return question, answer


def is_shown(facts: Facts, say: Speaker) -> Asked | None:
    """Yes or no for one unit, by number or by name."""
    unit = _asked_unit(facts, say)
    named = f"AU{unit.number}" if say.maybe(0.5) else f"{unit.name} (AU{unit.number})"
    question = say(
        "{Is|Was} [unit] {shown|present|active|there}?", "{Do you see|Can you see|Is there} [unit]?", "{And|What about} [unit]?",
        "{Does the face show|Did the face show} [unit]?", unit=named,
    )  # fmt: skip
    code = f"AU{unit.number}"
    found = facts.unit(unit.number)
    if found is not None:
        return question, say(
            "Yes. [code] is shown[side]{, [fit]|}.", "Yes: [code], [name], is shown[side].",
            code=code, name=unit.name, side=f" {phrases.side_of(found)}".rstrip(), fit=phrases.fit(found),
        )  # fmt: skip
    if not facts.found:
        return question, "No. " + nothing(facts, say)
    others = say("{The motion supports [codes].|}", codes=phrases.codes(facts)) if facts.units else ""
    return question, say("No. [code] is not shown.", "No, [code] is not shown{ in this clip|}.", code=code) + (
        f" {others}" if others else ""
    )


def _asked_unit(facts: Facts, say: Speaker) -> facs.ActionUnit:
    shown = facts.units
    if shown and say.maybe(0.5):
        return facs.AU_BY_NUMBER[shown[int(say.random.integers(len(shown)))].au]
    near = tempting(facts)
    if near and say.maybe(0.5):
        return facs.AU_BY_NUMBER[say.one(near)]
    known = [unit for unit in facs.ACTION_UNITS if unit.by_rules]
    return known[int(say.random.integers(len(known)))]


def side(facts: Facts, say: Speaker) -> Asked | None:
    """On which side a shown unit is."""
    if not facts.units:
        return None
    unit = facts.units[int(say.random.integers(len(facts.units)))]
    if not facs.AU_BY_NUMBER[unit.au].paired:
        return None
    question = say(
        "{On which side|Where|On what side} is AU[au]{ shown|}?", "Is AU[au] {on the left or the right|left, right or both}?",
        "Is AU[au] {one-sided|symmetric}?", au=str(unit.au),
    )  # fmt: skip
    words = {"both": "on both sides", "left": "on the subject's left", "right": "on the subject's right"}[unit.side]
    return question, say("AU[au] is {shown |seen |}[side].", au=str(unit.au), side=words)


def why(facts: Facts, say: Speaker) -> Asked | None:
    """Why a shown unit is claimed."""
    if not facts.units:
        return None
    unit = facts.units[int(say.random.integers(len(facts.units)))]
    question = say("{Why|Why do you say|How do you know it is|What speaks for} AU[au]?", au=str(unit.au))
    return question, because(facts, unit, say)


def because(facts: Facts, unit: ActionUnitEvidence, say: Speaker) -> str:
    """The measured motion of the regions that a unit rests on, and its fit."""
    motions = [motion for motion in facts.motions if motion.key in unit.regions and motion.moving]
    told = listed([phrases.moved(say, motion) for motion in motions[:2]])
    fit = phrases.fit(unit)
    if not told:
        return say("AU[au] {fits the motion|is supported by the motion}: [fit].", au=str(unit.au), fit=fit)
    return say(
        "{Because [told]|[told]}. {AU[au] fits that: [fit]|For AU[au] that makes: [fit]}.",
        "{This is what it rests on: |It rests on this: |}[told]. {So AU[au] is shown|AU[au] follows}{, [fit]| ([fit])|}.",
        au=str(unit.au), told=told, fit=fit,
    )  # fmt: skip


def why_not(facts: Facts, say: Speaker) -> Asked | None:
    """Why a unit is not claimed: how its defining regions moved."""
    absent = [u for u in facs.ACTION_UNITS if u.by_rules and u.number not in facts.claimed and u.number != 43]
    unit = absent[int(say.random.integers(len(absent)))]
    question = say("{Why not|Why is there no|Why don't you see|Why did you not find} AU[au]?", au=str(unit.number))
    if not facts.found:
        return question, nothing(facts, say)
    defining = facts.motions_behind(unit.number)[:2]
    still = [motion for motion in defining if not motion.moving]
    if still and len(still) == len(defining):
        told = say("{the [where] stayed under the noise of [noise]|the [where] did not move measurably}",
                   where=phrases.where(still[0]), noise=phrases.noise(facts))  # fmt: skip
    elif defining:
        mover = next(motion for motion in defining if motion.moving)
        told = phrases.moved(say, mover) + ", which fits better otherwise"
    else:
        return None
    return question, say("AU[au] is not shown{:|, since|, because} [told].",
                         au=str(unit.number), told=told[0].lower() + told[1:])  # fmt: skip


def emotion(facts: Facts, say: Speaker) -> Asked | None:
    """What it may express."""
    question = say(
        "{What emotion is {this|it}|Which emotion is shown|What does {this|it} express}?", "{What does the person feel|How does the person feel}?",
        "{So what does it mean|What could it mean|What might it express}?", "Emotion?",
    )  # fmt: skip
    if not facts.found:
        return question, say.joined(
            [nothing(facts, say), say("{So no emotion can be read from it.|What the person felt cannot be told.|}")]
        )
    if not facts.units:
        return question, say(NO_UNIT) + " " + say("{So no reading follows.|No emotion follows from it.}")
    words = phrases.readings(facts)
    if not words:
        return question, say(
            "{Shown: |The motion supports }[codes]. {No particular emotion follows from that|No reading follows from that}.",
            codes=phrases.codes(facts),
        ) + " " + say(TENTATIVE)
    if len(words) == 1:
        told = say(
            "{Tentatively, [word]: |Tentatively [word], from |It may be [word]: }[codes].",
            word=words[0],
            codes=brief.codes_for(facts, words),
        )
    else:
        told = say("{It could be [one] or [two]|Tentatively [one] or [two]}: [codes]{; the motion does not decide|}.",
                   one=words[0], two=words[1], codes=brief.codes_for(facts, words))  # fmt: skip
    best = phrases.coarse(facts)
    if best and say.maybe(0.4):
        told += " " + say(
            "{Of the coarse classes|Among the classes}, [name] has the largest share ([share]).",
            name=best[0],
            share=best[1],
        )
    return question, told + " " + say(TENTATIVE)


def is_emotion(facts: Facts, say: Speaker) -> Asked | None:
    """Is it happiness? Is she angry?"""
    words = phrases.readings(facts) if facts.found else []
    asked = say.one(words) if words and say.maybe(0.5) else say.one(list(facs.EMOTION_BY_NAME))
    question = say(
        "Is {this|it} [word]?",
        "Could {this|it} be [word]?",
        "{Isn't that|Is that|So is it} [word]?",
        "Why {not|isn't it|no} [word]?" if asked not in words else "Why [word]?",
        word=asked,
    )
    if not facts.found:
        return question, nothing(facts, say) + " So that cannot be told."
    if asked in words:
        opening = "" if question.startswith("Why") else "{Possibly|Perhaps}. "
        return question, say(
            opening + "{The motion fits [word]|[word] may fit}: [codes].",
            word=asked,
            codes=brief.codes_for(facts, (asked,)),
        ) + " " + say(TENTATIVE)
    if words:
        return question, say("The motion does not support [asked]{; it|. It} {rather |}fits [word]{, tentatively|}.",
                             asked=asked, word=listed(words, "or"))  # fmt: skip
    return question, say("The motion does not support [asked]. {No particular emotion follows from it.|}", asked=asked)


def coarse(facts: Facts, say: Speaker) -> Asked | None:
    """Positive, negative or surprise, in words."""
    question = say(
        "{Is|Was} {it|this} {positive or negative|positive, negative or surprise}?",
        "{Which|What} class{ is it| does it belong to|}?",
    )
    best = phrases.coarse(facts)
    if not facts.found:
        return question, nothing(facts, say)
    if best is None:
        return question, say("No class can be given{: the motion fits no action unit that would tell|}.")
    return question, say(
        "{The class with the largest share is [name]|The class is [name]}{ ([share])|, share [share]|}.",
        name=best[0],
        share=best[1],
    )


QUESTIONS = {
    "which": which, "is_shown": is_shown, "side": side, "why": why, "why_not": why_not, "emotion": emotion,
    "is_emotion": is_emotion, "coarse": coarse,
}  # fmt: skip
