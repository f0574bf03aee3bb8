"""How good the recording is, and how to make a better one. English."""

from __future__ import annotations

from mellm_demo.reasoning.facts import FRAMES_TO_SEE, GOOD_FRAME_RATE, Facts
from mellm_demo.reasoning.intents import Query
from mellm_demo.wording import number


def answer_quality(facts: Facts, query: Query) -> str:
    clip, verdict = facts.analysis.clip, facts.analysis.verdict
    lines = [f"- {check.name}: {check.value}. {check.sentence}" for check in verdict.checks]
    if facts.is_pair:
        head = f"Two pictures, {clip.width} × {clip.height} px."
    else:
        head = (
            f"{clip.frame_count} frames in {number(clip.duration_ms / 1000.0)} s, {number(clip.frame_rate)} frames/s, "
            f"{clip.width} × {clip.height} px; nothing shorter than {number(facts.shortest_ms, 0)} ms "
            f"({FRAMES_TO_SEE} frames) can be seen."
        )
    lost = verdict.frames_face_lost
    missing = f"\n\nIn {lost} of {verdict.frames_total} frames no face was found." if lost else ""
    return f"{head}\n\n" + "\n".join(lines) + missing


_ADVICE = {
    "size": "come closer: the face should fill at least a third of the picture's height",
    "blur": "keep the face in focus and shorten the exposure",
    "light": "light the face evenly from the front, without flicker",
    "pose": "face the camera; a head turned away hides half of the motion",
    "found": "keep the whole face in the picture all the time",
    "framing": "keep the whole face in the picture all the time",
    "regular": "record with a constant frame rate, without a messenger or screen recorder in between",
}


def better_clip(facts: Facts) -> str:
    """What would make a better recording, by what this one lacks."""
    steps = []
    rate = facts.analysis.clip.frame_rate
    if not facts.is_pair and rate < GOOD_FRAME_RATE:
        steps.append(f"record at {number(GOOD_FRAME_RATE, 0)} frames/s or more (this clip has {number(rate, 0)})")
    for name in facts.poor_checks():
        steps += [advice for word, advice in _ADVICE.items() if word in name.casefold() and advice not in steps]
    if facts.spans("speech"):
        steps.append("let the person listen rather than speak")
    if facts.spans("head"):
        steps.append("keep the head still, best against a rest")
    steps.append("put the camera on a stand and the face in even light")
    steps.append("begin and end with the face at rest")
    return f"For a better clip: {'; '.join(dict.fromkeys(steps))}."


def answer_better_clip(facts: Facts, query: Query) -> str:
    return better_clip(facts)
