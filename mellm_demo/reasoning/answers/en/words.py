"""What terms, colours and pictures mean, how all is measured, and who speaks. English."""

from __future__ import annotations

from mellm_demo.reasoning.facts import Facts
from mellm_demo.reasoning.intents import Query
from mellm_demo.wording import number, seconds

TERM_TEXTS: dict[str, str] = {
    "micro-expression": (
        "A micro-expression is a facial movement that is over within half a second, often faint and on part of "
        "the face only. The strict definition asks for 1/25 to 1/5 s; this app uses the relaxed limit of 500 ms."
    ),
    "macro-expression": (
        "A macro-expression is an ordinary facial expression: longer than half a second, and usually plain to see."
    ),
    "onset": "The onset is the last frame before the movement begins.",
    "apex": (
        "The apex is the frame in which the face is furthest from where it was at the onset. It is not where the "
        "motion is fastest; that lies before it."
    ),
    "offset": "The offset is the frame in which the face is back at rest.",
    "action unit": (
        "An action unit (AU) is the smallest visible movement of the face that can be told apart from others, "
        "numbered and tied to one muscle or a few. AU12, say, pulls the lip corners up and out."
    ),
    "facs": (
        "FACS, the Facial Action Coding System, describes faces by what moves: every visible movement is an "
        "action unit with a number, with a side and a strength. It names no emotions; those come after, as a reading."
    ),
    "optical flow": (
        "Optical flow is the displacement of every pixel from one picture to another. Here it runs from the onset to "
        "the apex (method TV-L1), so it says how far and in which direction each piece of skin went."
    ),
    "noise floor": (
        "The noise floor is how much a region seems to move in this clip while the face is at rest: sensor noise, "
        "compression, and what is left of head motion. What stays under it is not claimed."
    ),
    "interocular distance": (
        "The interocular distance is the distance between the pupils. Movements are given in per cent of it, "
        "so that near and far faces compare."
    ),
    "coarse class": (
        "The coarse classes are negative, positive and surprise, the three of the MEGC challenges. Corpora agree on "
        "them better than on single emotions."
    ),
    "fit": (
        "A fit, from 0 to 1, says how closely the measured motion matches what an action unit does. It is no "
        "probability of being correct."
    ),
}


def answer_term(facts: Facts, query: Query) -> str:
    told = []
    for term in query.terms[:3]:
        text = TERM_TEXTS[term]
        interval = facts.interval
        if term in ("onset", "apex", "offset") and facts.found and interval is not None and not facts.is_pair:
            text += f" Here: {seconds(getattr(interval, f'{term}_ms'))} s."
        if term == "noise floor":
            text += f" Here: {number(facts.floor_px)} px."
        told.append(text)
    return "\n\n".join(told)


COLOURS = {
    "right": "red",
    "down-right": "orange to yellow",
    "down": "yellow-green",
    "down-left": "green",
    "left": "cyan",
    "up-left": "blue",
    "up": "purple",
    "up-right": "magenta or pink",
}


def answer_picture(facts: Facts, query: Query) -> str:
    if query.colours:
        named = [f"{COLOURS[name]} means motion towards {_in_picture(name)} of the picture" for name in query.colours]
        text = "; ".join(named)
        start = f"{text[:1].upper()}{text[1:]}."
        return f"{start} Directions are those of the picture, where the subject's left is on the right."
    listed = ", ".join(f"{name} {colour}" for name, colour in COLOURS.items())
    about = (
        "The motion map shows the face at the onset with its motion up to the apex laid over it. Hue is direction, "
        f"brightness is how far: {listed}. Directions are those of the picture, where the subject's left is on the "
        "right."
    )
    limit = (
        "Brightness is relative to the strongest motion in the picture, so even a face at rest lights up. Whether "
        "that motion "
        f"counts is decided in pixels, against the noise of {number(facts.floor_px)} px."
    )
    return f"{about}\n\n{limit}"


def _in_picture(name: str) -> str:
    places = {"right": "the right", "left": "the left", "up": "the top", "down": "the bottom"}
    if name in places:
        return places[name]
    vertical, horizontal = name.split("-")
    return f"the {'top' if vertical == 'up' else 'bottom'} {horizontal}"


def answer_magnified(facts: Facts, query: Query) -> str:
    return (
        "The flicker switches between onset and apex as they were recorded. The magnified loop bends the onset frame "
        "along the "
        "measured motion, times the factor α, and fades out what is below the noise. It is there to make small "
        "motion visible "
        "and is not real: judge by the true apex beside it."
    )


def answer_method(facts: Facts, query: Query) -> str:
    return (
        "1. Every frame is read in order with its own time; MediaPipe's face landmarks align the face in one steady "
        "crop of "
        "256 × 256 px.\n"
        "2. Each facial region is followed through the clip. Head motion is fitted on parts that expressions leave "
        "alone and "
        "removed; eyelids are kept out, blinks and speech are marked.\n"
        "3. Where a region moves away from its rest by more than the clip's own noise, onset, apex and offset are "
        "set.\n"
        "4. Dense optical flow (TV-L1) from onset to apex gives each region's distance and direction.\n"
        "5. Rules from FACS compare that with what each action unit does; emotions follow from action units, "
        "tentatively.\n\n"
        "These sentences are composed from those numbers."
    )


def answer_model(facts: Facts, query: Query) -> str:
    return (
        "This is no language model. I am a narrator: these answers are composed by rules from the measurements of "
        "this clip. So "
        "I cannot see the picture or follow a free conversation; I can quote what was measured."
    )
