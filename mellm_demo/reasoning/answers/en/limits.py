"""What cannot be told from a face, what the app is not for, and what becomes of a clip. English."""

from __future__ import annotations

from mellm_demo import wording
from mellm_demo.reasoning.answers.en.nothing import short
from mellm_demo.reasoning.facts import Facts
from mellm_demo.reasoning.intents import Query
from mellm_demo.wording import number


def answer_lie(facts: Facts, query: Query) -> str:
    return (
        "That cannot be told. No facial movement shows that someone lies or hides something; micro-expressions do "
        "not establish "
        "deception, and people trained to use them for that did no better than chance (Burgoon 2018; Jordan et al. "
        "2019). The clip "
        "shows what moved and when, nothing about truth."
    )


def answer_genuine(facts: Facts, query: Query) -> str:
    text = "Whether a movement was felt or put on cannot be told from it."
    if not facts.found:
        return f"{text} {short(facts)}"
    smile, cheek = facts.unit(12), facts.unit(6)
    if smile is None:
        return f"{text} A smile (AU12) is not shown here anyway."
    together = (
        f"Here AU6 (cheek raiser) goes with AU12 ({wording.scale(cheek)} {number(cheek.probability, 2)})"
        if cheek
        else "Here AU6 (cheek raiser) is not shown along with AU12"
    )
    return f"{text} {together}; people can raise their cheeks at will, so that decides nothing."


def answer_health(facts: Facts, query: Query) -> str:
    return (
        "That cannot be told. Facial motion in one clip says nothing about illness, pain or state of mind, and this "
        "app is no "
        "medical device. Please ask a physician where health is the question."
    )


def answer_identity(facts: Facts, query: Query) -> str:
    return (
        "I do not know who this is and do not try to find out: the app measures motion, recognises nobody and keeps "
        "no faces."
    )


def answer_traits(facts: Facts, query: Query) -> str:
    return (
        "Nothing of the kind is measured, and it cannot be told from motion: not age, sex, origin or belief, nor "
        "character or "
        "ability. The app says what moved, when, and how far."
    )


def answer_thoughts(facts: Facts, query: Query) -> str:
    return (
        "Thoughts, intentions and words cannot be read from facial motion. What can be told is which part of the "
        "face moved, when, "
        "and which expressions such a movement is found with."
    )


def answer_use(facts: Facts, query: Query) -> str:
    return (
        "This is a demonstration for research and teaching. Do not judge people by it. In the European Union, "
        "inferring emotions at "
        "work and in schools is forbidden outside medical and safety use (AI Act, Art. 5(1)(f)), and people exposed "
        "to it must be "
        "told (Art. 50(3)). Use clips of people who agreed. This is no legal advice."
    )


def answer_privacy(facts: Facts, query: Query) -> str:
    return (
        "The clip is analysed on the machine that runs this app and is sent to nobody else. Working files go when "
        "the session "
        "ends; nobody is identified, and nothing is kept but what you download. Faces are biometric data: use clips "
        "of people who "
        "agreed."
    )


def answer_faces(facts: Facts, query: Query) -> str:
    faces, face = facts.analysis.faces, facts.analysis.face
    if len(faces) <= 1:
        return "One face was followed in this clip, and all numbers are about it."
    return (
        f"{len(faces)} faces were followed. The numbers are about face {face.track_id}; choose another by its "
        "numbered thumbnail "
        "and everything follows."
    )
