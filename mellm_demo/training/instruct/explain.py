"""The first explanation in three steps, and the one that says why there is nothing to explain."""

from __future__ import annotations

from mellm_demo import facs
from mellm_demo.headline import clause
from mellm_demo.reasoning import brief
from mellm_demo.reasoning.answers.en.explanation import TITLES
from mellm_demo.reasoning.facts import Facts
from mellm_demo.training.instruct import phrases
from mellm_demo.training.instruct.ask_limits import ADVICE
from mellm_demo.training.instruct.ask_motion import STILL, listed_sentences, nothing
from mellm_demo.training.instruct.ask_units import NO_UNIT, TENTATIVE
from mellm_demo.training.instruct.wordings import Speaker, listed


def explanation(facts: Facts, say: Speaker) -> str:
    """Markdown, under the three titles of the app; a few sentences where nothing reliable was found."""
    if not facts.found:
        return _unreliable(facts, say)
    steps = (_moved(facts, say), _units(facts, say), _reading(facts, say))
    return "\n\n".join(f"{title}\n\n{step}" for title, step in zip(TITLES, steps, strict=True))


def _moved(facts: Facts, say: Speaker) -> str:
    told = [phrases.group(say, one) for one in facts.groups[: int(say.random.integers(2, 5))]]
    first, rest = told[:1], told[1:]
    times = phrases.times(facts)
    parts = []
    if times and facts.interval is not None and say.maybe(0.5):
        parts.append(
            say("From [onset] s to [offset] s{, for [length],| ([length])|} [told].", told=first[0], **times)
            if first
            else ""
        )
    elif first:
        parts.append(listed_sentences(first))
    if rest:
        parts.append(
            say(
                "{Also above the noise of [noise]: |Besides, |Further: |}[told].",
                noise=phrases.noise(facts),
                told="; ".join(rest),
            )
        )
    if times and facts.interval is not None:
        length = times["length"]
        apex = say("{The movement was largest at|It was strongest at|The apex is at} [apex] s.", **times)
        if not facts.interval.complete:
            kind = say(
                "{It lasted at least [length]; the clip ends before the face is back at rest|The clip ends before the face is back at rest}.",
                length=length,
            )
        else:
            name = "micro-expression" if facts.interval.kind == "micro" else "macro-expression"
            kind = say(
                "{It lasted [length], so it is a [name]|By its length, [length], it is a [name]}.",
                length=length,
                name=name,
            )
        parts += [apex, kind] if say.maybe(0.7) else [kind]
    if len(told) == len(facts.groups) and say.maybe(0.3):
        parts.append(
            say("{The other regions|All other regions} " + STILL + "{ of [noise]|}.", noise=phrases.noise(facts))
        )
    return say.joined(parts) or say("{The motion was small|Little moved}.")


def _units(facts: Facts, say: Speaker) -> str:
    if not facts.units:
        return say(NO_UNIT)
    if say.maybe(0.5):
        lines = []
        for unit in facts.units[:4]:
            side = phrases.side_of(unit)
            lines.append(say("- **AU[au], [name]**[side]: [fit], [px].", au=str(unit.au), name=unit.name.lower(),
                             side=f", {side}" if side else "", fit=phrases.fit(unit), px=phrases.px(unit.strength_px)))  # fmt: skip
        return "\n".join(lines)
    sentences = []
    for unit in facts.units[:4]:
        side = phrases.side_of(unit)
        known = facs.AU_BY_NUMBER[unit.au]
        sentences.append(say(
            "{That fits|This supports|The motion supports} AU[au] ([name]) [side]{, [fit]|: [fit]}.",
            "AU[au] ([name]) is shown [side]{; [fit]| ([fit])}.",
            au=str(unit.au), name=known.name.lower(), side=side, fit=phrases.fit(unit),
        ))  # fmt: skip
    if say.maybe(0.3) and any(phrases.fit(unit).startswith("fit") for unit in facts.units[:4]):
        sentences.append(
            say("{The fit is no probability of being correct.|The fit only says how closely the motion matches.}")
        )
    return say.joined(sentences)


def _reading(facts: Facts, say: Speaker) -> str:
    words = phrases.readings(facts)
    parts = []
    if not facts.units:
        parts.append(say("{No reading follows|No emotion follows} from that."))
    elif not words:
        parts.append(say("{No particular emotion follows|No reading follows} from that."))
    elif len(words) == 1:
        parts.append(say("Tentatively{,|} **[word]**{: [codes] may go with it|, from [codes]}.", "It {may|could} be **[word]** ([codes]){, tentatively|}.",
                         word=words[0], codes=brief.codes_for(facts, words)))  # fmt: skip
    else:
        parts.append(say("It {may|could} be **[one]** or **[two]**{; the motion does not decide|}.",
                         one=words[0], two=words[1]))  # fmt: skip
    best = phrases.coarse(facts)
    if best and say.maybe(0.6):
        parts.append(
            say(
                "{Of the coarse classes|Among the three classes}, [name] has the largest share ([share]).",
                name=best[0],
                share=best[1],
            )
        )
    warnings = list(facts.interval.warnings) if facts.interval else []
    if warnings:
        parts.append(say("{Keep in mind|Note}: [told].", told=listed(warnings)))
    parts.append(say(TENTATIVE))
    return say.joined(parts)


def _unreliable(facts: Facts, say: Speaker) -> str:
    parts = [nothing(facts, say)]
    reasons = [clause(one) for one in facts.analysis.reasons[1:2] if "were left out" not in one]
    if reasons and say.maybe(0.5):
        parts.append(say("{Besides|Also}: [told].", told=reasons[0]))
    parts.append(
        say(
            "{So no action unit and no emotion is claimed|No action unit and no emotion can be claimed|Therefore nothing is claimed}."
        )
    )
    if facts.analysis.moment is not None and say.maybe(0.4):
        parts.append(say("{The colours of the image are no evidence here|Colours light up on a face at rest as well}."))
    if say.maybe(0.4):
        parts.append(say("{It does not mean that nothing was felt.|The person may have felt something all the same.}"))
    if say.maybe(0.5):
        parts.append(say(*ADVICE))
    return say.joined(parts)
