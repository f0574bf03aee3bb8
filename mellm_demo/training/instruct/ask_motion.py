"""Questions about what moved, where, which way, how far and when, with answers from the record."""

from __future__ import annotations

from mellm_demo import facs
from mellm_demo.reasoning.facts import Facts
from mellm_demo.records import RegionMotion
from mellm_demo.training.instruct import phrases
from mellm_demo.training.instruct.wordings import Speaker, listed

Asked = tuple[str, str]  # question, answer
STILL = "{stayed under|did not exceed|was not above|remained below} the noise"
MOST_LISTED = 5
AREAS: dict[str, tuple[str, ...]] = {  # as people say it: names of facs.REGIONS
    "brows": ("inner brow", "outer brow"), "eyebrows": ("inner brow", "outer brow"), "eyes": ("upper lid", "lower lid"),
    "eyelids": ("upper lid", "lower lid"), "mouth": ("mouth corner", "upper lip", "lower lip"),
    "lips": ("mouth corner", "upper lip", "lower lip"), "cheeks": ("cheek",), "nose": ("nostril wing",),
    "mouth corners": ("mouth corner",), "inner brows": ("inner brow",), "outer brows": ("outer brow",),
}  # fmt: skip


def nothing(facts: Facts, say: Speaker) -> str:
    """That nothing reliable was found, and why: opens every answer where it is so."""
    reason = phrases.first_reason(facts)
    opening = say(
        "{No reliable micro-expression|Nothing reliable|No movement that can be relied on} was found"
        "{ in this clip| here|}{:|, because} [why].",
        why=phrases.why_nothing(facts),
    )
    if reason and "largest movement" not in reason and say.maybe(0.7):
        return say("{No reliable micro-expression was found|Nothing reliable was found}: [why].", why=reason)
    return opening


def strongest(facts: Facts, say: Speaker) -> Asked | None:
    """What moved most."""
    if not facts.moving:
        return None
    best = facts.moving[0]
    question = say(
        "{What|Which part of the face|Which region|Where did the face} moved {the most|most|farthest}?",
        "{Where|In which part of the face} was the {movement|motion} {strongest|largest}?",
        "{Strongest|Largest} {movement|motion}?", "{Tell me|Please say|Can you tell me} what moved most{.|?}",
    )  # fmt: skip
    answer = say("{The strongest movement: |Most of all |}[told].", told=phrases.moved(say, best))
    if not facts.found:
        answer = say("[told]{, but| — yet} {no claim can rest on it|nothing reliable follows from it}.",
                     told=phrases.moved(say, best)) + " " + nothing(facts, say)  # fmt: skip
    elif len(facts.moving) > 1 and say.maybe(0.5):
        answer += " " + say("{Next|After that|Then}{ comes|:} the [where] with [px].", where=phrases.where(facts.moving[1]),
                      px=phrases.px(facts.moving[1].magnitude_px))  # fmt: skip
    return question, answer


def listing(facts: Facts, say: Speaker) -> Asked | None:
    """Everything that moved."""
    question = say(
        "{What|What exactly|Which parts of the face|Which regions} moved?", "{List|Name} {everything|all regions} that moved{.|, please.}",
        "What {happened|is happening} in {the|this} face?", "{Describe|Summarise} the {movement|motion}{.|, please.}",
    )  # fmt: skip
    if not facts.found:
        return question, nothing(facts, say)
    told = [phrases.group(say, one) for one in facts.groups[:MOST_LISTED]]
    if not told:
        return None
    answer = listed_sentences(told) if say.maybe(0.5) else "\n".join(f"- {one}" for one in told)
    if len(facts.groups) <= MOST_LISTED and say.maybe(0.6):
        rest = say(
            "{The other regions|All other regions|Everything else} " + STILL + " of [noise].",
            noise=phrases.noise(facts),
        )
        answer += ("\n" if "\n" in answer else " ") + rest
    return question, answer


def listed_sentences(told: list[str]) -> str:
    """Clauses as sentences."""
    return " ".join(f"{one[0].upper()}{one[1:]}." for one in told)


def region(facts: Facts, say: Speaker) -> Asked | None:
    """Whether and how a certain region moved."""
    motion = _some(facts, say)
    if motion is None:
        return None
    question = say(
        "Did the [where] move{ at all|}?",
        "{How|Which way|In which direction} did the [where] move?", "What about the [where]?", "What did the [where] do?",
        "{Tell me about|What happened at|And} the [where]{?|.}",
        where=phrases.where(motion),
    )  # fmt: skip
    if not facts.found:
        return question, nothing(facts, say)
    if motion.moving:
        opening = "Yes. " if question.startswith("Did") else ""
        return question, opening + say("[told].", told=phrases.moved(say, motion))
    return question, say(
        "{No.|No:} {The [where]|It} {did not move measurably|stayed under the noise of [noise]}.",
        "The [where] {did not move measurably|stayed under the noise of [noise]}.",
        where=phrases.where(motion), noise=phrases.noise(facts),
    )  # fmt: skip


def area(facts: Facts, say: Speaker) -> Asked | None:
    """What a part of the face did that people have one word for: everything that moved there."""
    name = say.one(list(AREAS))
    question = say(
        "{And|What about|How about} the [area]?", "Did {the|her|his} [area] move{ too| at all|}?",
        "What did the [area] do?", "{What happened|Did anything happen} {at|with} the [area]?", area=name,
    )  # fmt: skip
    if not facts.found:
        return question, nothing(facts, say)
    groups = [one for one in facts.groups if one.name in AREAS[name]]
    if not groups:
        return question, say(
            "{No. The|The} [area] {stayed under the noise of [noise]|did not move measurably}.",
            area=name, noise=phrases.noise(facts),
        )  # fmt: skip
    opening = "Yes. " if question.startswith("Did") else ""
    return question, opening + listed_sentences([phrases.group(say, one) for one in groups])


def _some(facts: Facts, say: Speaker) -> RegionMotion | None:
    pool = facts.moving if facts.moving and say.maybe(0.6) else facts.motions
    return pool[int(say.random.integers(len(pool)))] if pool else None


def direction(facts: Facts, say: Speaker) -> Asked | None:
    """Which way something moved, in the face and in the image."""
    if not facts.moving:
        return None
    motion = facts.moving[int(say.random.integers(len(facts.moving)))]
    question = say(
        "{Which way|In which direction|Where to} did the [where] {move|go}?",
        "{What is the|What was the} direction of the [where]?", "Did the [where] move {up or down|in or out}?",
        where=phrases.where(motion),
    )  # fmt: skip
    if not facts.found:
        return question, nothing(facts, say)
    answer = say("{The [where]|It} moved [way]{, by [px]|; [px]|}.", where=phrases.where(motion),
                 way=phrases.way(motion), px=phrases.px(motion.magnitude_px))  # fmt: skip
    if say.maybe(0.4):
        answer += f" In the image that is {motion.direction}."
    return question, answer


def strength(facts: Facts, say: Speaker) -> Asked | None:
    """How far, in px and per cent, against the noise."""
    if not facts.moving:
        return None
    motion = facts.moving[0] if say.maybe(0.6) else facts.moving[int(say.random.integers(len(facts.moving)))]
    question = say(
        "How {far|much} did the [where] move?", "{How strong|How large|How big} {is|was} the {movement|motion} of the [where]?",
        "What is the {size|magnitude|strength} of the movement {at|of} the [where]?", "Give me the {size|magnitude} of the movement {at|of} the [where].",
        where=phrases.where(motion),
    )  # fmt: skip
    if not facts.found:
        return question, nothing(facts, say)
    values = {
        "where": phrases.where(motion), "px": phrases.px(motion.magnitude_px), "noise": phrases.noise(facts),
    }  # fmt: skip
    return question, say(
        "{It|The [where]} moved by [px]{.|; the noise is [noise].}",
        "{By [px]|[px]}{ in the 256 px face crop|}. {The noise of this clip is [noise].|}",
        **values,
    )


def share(facts: Facts, say: Speaker) -> Asked | None:
    """The size in per cent of the distance between the pupils, which is looked up for who asks for it."""
    if not facts.moving:
        return None
    motion = facts.moving[0]
    question = say(
        "How {many|much} {per cent|percent} is that?", "How {large|far} is {that|it} {in per cent|relative to the {face|pupils' distance}}?",
        "How {many per cent of the distance between the pupils|much, in % of the interocular distance,} did it move?",
    )  # fmt: skip
    if not facts.found:
        return question, nothing(facts, say)
    return question, say(
        "{The [where] moved|It moved} by [px], that is [share] % of the distance between the pupils.",
        where=phrases.where(motion), px=phrases.px(motion.magnitude_px), share=phrases.number(motion.magnitude_iod),
    )  # fmt: skip


def compare(facts: Facts, say: Speaker) -> Asked | None:
    """Two regions held against each other."""
    if len(facts.motions) < 2:
        return None
    pairs = [(m, t) for m in facts.moving for t in facts.motions if t.name == m.name and t.key != m.key]
    if pairs and say.maybe(0.6):
        first, second = pairs[int(say.random.integers(len(pairs)))]
    elif len(facts.moving) > 1:
        a, b = (int(i) for i in say.random.choice(len(facts.moving), 2, replace=False))
        first, second = facts.moving[a], facts.moving[b]
    else:
        return None
    one, two = phrases.where(first), phrases.where(second)
    question = say(
        "Compare the [one] {and|with} the [two]{.|, please.}", "Please compare the [one] {and|with} the [two].",
        "{Which moved more|What moved farther}, the [one] or the [two]?",
        "{Is|Was} the movement {stronger|larger} at the [one] or at the [two]?", one=one, two=two,
    )  # fmt: skip
    if not facts.found:
        return question, nothing(facts, say)
    if not (first.moving and second.moving):
        still, mover = (second, first) if first.moving else (first, second)
        if not mover.moving:
            return None
        return question, say(
            "{Only|} the [mover] moved {measurably|above the noise}: [told]. The [still] {stayed under the noise|did not move measurably}.",
            mover=phrases.where(mover), told=f"{phrases.way(mover)}, {phrases.px(mover.magnitude_px)}",
            still=phrases.where(still),
        )  # fmt: skip
    if first.magnitude_px < second.magnitude_px:
        first, second = second, first
    if phrases.px(first.magnitude_px) == phrases.px(second.magnitude_px):
        return question, say(
            "{Both moved alike|They moved equally far}: the [one] by [px] and the [two] by [px].",
            one=phrases.where(first), two=phrases.where(second), px=phrases.px(first.magnitude_px),
        )  # fmt: skip
    return question, say(
        "The [one]: it moved [way] by [px]{;|, while} the [two] moved [other] by [less].",
        "The [one] moved {farther|more}: [px]. The [two]{ moved|:} [less].",
        "[told]{; the|, the} [two] moved [other] by [less]. {The former is stronger.|So the [one] moved more.}",
        one=phrases.where(first), two=phrases.where(second), way=phrases.way(first), other=phrases.way(second),
        px=phrases.px(first.magnitude_px), less=phrases.px(second.magnitude_px), told=phrases.moved(say, first),
    )  # fmt: skip


def sides(facts: Facts, say: Speaker) -> Asked | None:
    """Whether the movement was on one side."""
    question = say(
        "{Which side moved|On which side was {it|that|the movement}|Was it on one side or on both}?",
        "{Is|Was} the {movement|expression} {symmetric|one-sided|on both sides}?", "Left or right?",
    )  # fmt: skip
    if not facts.found:
        return question, nothing(facts, say)
    if not facts.groups:
        return None
    first = facts.groups[0]
    if first.side == "both":
        left, right = first.motions
        return question, say(
            "{On both|Both} sides: the left [name] moved by [left], the right one by [right].",
            "{It is on both sides.|Both sides moved.} {The left|Left} [name]: [left]; {the |}right [name]: [right].",
            name=first.name, left=phrases.px(left.magnitude_px), right=phrases.px(right.magnitude_px),
        )  # fmt: skip
    if first.side is None:
        return question, say(
            "{The strongest movement lies on the midline|It lies on the midline}: [told].",
            told=phrases.group(say, first),
        )
    motion = first.motions[0]
    other = next((m for m in facts.motions if m.name == motion.name and m.key != motion.key), None)
    tail = ""
    if other is not None and not other.moving:
        tail = " " + say(
            "The [where] stayed under the noise{ of [noise]|}.", where=phrases.where(other), noise=phrases.noise(facts)
        )
    elif other is not None:
        tail = " " + say("The [where] moved [way] by [px].", where=phrases.where(other), way=phrases.way(other),
                   px=phrases.px(other.magnitude_px))  # fmt: skip
    return question, say("{Strongest on the subject's [side]|Mostly on the subject's [side]|The subject's [side]}: [told].",
                         side=str(first.side), told=phrases.moved(say, motion)) + tail  # fmt: skip


def when(facts: Facts, say: Speaker) -> Asked | None:
    """Onset, apex, offset."""
    question = say(
        "{When|At what time} did {it|the movement|the expression} {start|begin|happen}?",
        "When {is|was} the {apex|peak}?", "{Give me|What are} the {times|onset, apex and offset}{.|?}",
        "When did it {end|stop}?", "{When exactly|When} does this happen?",
    )  # fmt: skip
    told = phrases.times(facts)
    if facts.is_pair:
        return question, say("{That cannot be told|This cannot be said}: two pictures carry no time{ information|}.")
    if not facts.found or not told:
        return question, nothing(facts, say)
    if ("apex" in question and "onset" not in question) or "peak" in question:
        return question, say("{The apex is at|The movement is largest at|It peaks at} [apex] s.", **told)
    if "end" in question or "stop" in question:
        return question, say("{The offset is at|It ends at} [offset] s.", **told)
    if "start" in question or "begin" in question:
        return question, say(
            "{The onset is at|It starts at|It begins at} [onset] s{.|, with the apex at [apex] s.}", **told
        )
    return question, say(
        "{The onset is at|It starts at} [onset] s, the apex {is |}at [apex] s{ and|,} the offset {is |}at [offset] s.",
        "Onset [onset] s, apex [apex] s, offset [offset] s.", **told,
    )  # fmt: skip


def how_long(facts: Facts, say: Speaker) -> Asked | None:
    """Duration and kind."""
    question = say(
        "How long did {it|the movement|the expression} {last|take}?", "{What is|What was} {the|its} duration?",
        "{Is|Was} {this|it|that} {really |}a micro-expression?", "{Is|Was} {this|it|that} {really |}a macro-expression?",
        "{Micro or macro|Is it a micro- or a macro-expression}?", "Did you find a micro-expression?",
    )  # fmt: skip
    told, interval = phrases.times(facts), facts.interval
    if facts.is_pair:
        return question, say("{That cannot be told|This cannot be said}: two pictures carry no time{ information|}.")
    if not facts.found or not told or interval is None:
        return question, nothing(facts, say)
    if not interval.complete:
        return question, say(
            "{At least [length]|It lasted at least [length]}: the clip {begins or ends|ends} before the face is back at rest{, so the true duration is longer|}.",
            **told,
        )
    limit = "no more than 500 ms" if interval.kind == "micro" else "more than 500 ms"
    opening = _yes_or_no(question, interval.kind)
    if opening:
        return question, opening + say(
            "{It|The movement} lasted [length], [limit]{, so it is a [kind]-expression|: a [kind]-expression}.",
            "{It|The movement} is a [kind]-expression: it lasted [length], [limit].",
            kind=interval.kind, limit=limit, **told,
        )  # fmt: skip
    return question, say(
        "{It|The movement} lasted [length]{, [limit]|}. {By its length it is|That makes it} a [kind]-expression.",
        "{It|The movement} lasted [length], [limit]{, so it is a [kind]-expression|: a [kind]-expression}.",
        kind=interval.kind, limit=limit, **told,
    )  # fmt: skip


def _yes_or_no(question: str, kind: str) -> str:
    """“Yes. ” or “No. ” where the question is whether it is of one kind; empty where it is not."""
    asked = "micro" if "a micro-expression" in question else "macro" if "a macro-expression" in question else ""
    if not asked or " or a " in question:
        return ""
    return "Yes. " if asked == kind else "No. "


def noise(facts: Facts, say: Speaker) -> Asked | None:
    """The clip's noise."""
    question = say(
        "{What is|How large is|How big is} the noise{| of this clip| here}?", "{What is the|Which} noise {floor|level}?"
    )
    if not facts.moving:
        return question, say(
            "{The noise of this clip is [noise]|[noise]}. No region moved by more.", noise=phrases.noise(facts)
        )
    return question, say(
        "{The noise of this clip is [noise]|[noise]}{: what moved less is taken as still|. Only more than that counts as movement|}.",
        noise=phrases.noise(facts),
    )


def colour(facts: Facts, say: Speaker) -> Asked | None:
    """What the colours of the image stand for."""
    from mellm_demo.reasoning.answers.en.words import COLOURS

    if facts.analysis.moment is None:
        return None
    if facts.found and facts.moving and say.maybe(0.5):
        motion = facts.moving[0]
        question = say("{Which|What} colour {has|is} the [where]{ in the image|}?", where=phrases.where(motion))
        return question, say(
            "{It|The [where]} moved [dir] in the image, which {is drawn in|the map shows in|has the colour} [colour].",
            where=phrases.where(motion), dir=motion.direction, colour=COLOURS[motion.direction],
        )  # fmt: skip
    name = say.one(facs.DIRECTIONS)
    question = say("What does {the colour |}[colour] {mean|stand for}?",
                   "What do the colours mean?", colour=COLOURS[name])  # fmt: skip
    if "colours" in question:
        return question, say(
            "{Hue is direction and brightness is size|The hue shows the direction, the brightness the size}"
            "{, relative to this one image|}: [all].", all=listed([f"{d}: {c}" for d, c in COLOURS.items()]),
        )  # fmt: skip
    return question, say(
        "{Motion towards|A shift towards} [way] in the image{. Brightness is size|; the brighter, the larger|}.",
        way={"right": "the right", "left": "the left", "up": "the top", "down": "the bottom"}.get(name, f"the {name.replace('-', ' ')}"),
    )  # fmt: skip


QUESTIONS = {
    "strongest": strongest, "listing": listing, "region": region, "area": area, "direction": direction, "strength": strength, "share": share,
    "compare": compare, "sides": sides, "when": when, "how_long": how_long, "noise": noise, "colour": colour,
}  # fmt: skip
