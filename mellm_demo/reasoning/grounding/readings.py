"""Claims of what a movement may express: words, classes, micro or macro."""

from __future__ import annotations

from mellm_demo import facs, wording
from mellm_demo.reasoning.claims import Claim
from mellm_demo.reasoning.facts import closest_word
from mellm_demo.reasoning.grounding.bench import Bench, Judge, shares_told
from mellm_demo.wording import duration, joined


def _emotion(bench: Bench, claim: Claim) -> tuple[bool, str, str]:
    best = [one.name for one in wording.readings(bench.facts.emotions)]
    listed = [one.name for one in bench.facts.emotions]
    word = wording.emotion(claim.word, bench.language)
    if claim.stance == "no":
        return claim.word not in best, bench.say(f"not {word}", f"不是{word}"), _readings(bench, best)
    if claim.stance == "weak":
        near = listed + ([closest_word(bench.facts)] if bench.facts.units else [])
        return claim.word in near, bench.say(f"possibly {word}", f"可能是{word}"), _readings(bench, listed)
    return claim.word in best, word, _readings(bench, best)


def _word(bench: Bench, claim: Claim) -> tuple[bool, str, str]:
    """The one word that goes with the class of the largest share, so that the two never disagree."""
    best = closest_word(bench.facts) if bench.facts.units else None
    word = wording.emotion(claim.word, bench.language)
    if best is None:
        return False, word, bench.say("no word follows from the measurements", "测量结果不能给出任何词")
    closest = wording.emotion(best, bench.language)
    return claim.word == best, word, bench.say(f"the closest word is {closest}", f"最接近的词是{closest}")


def _readings(bench: Bench, names: list[str]) -> str:
    if not names:
        return bench.say("no reading follows from the measurements", "测量结果不能推出任何情绪")
    words = joined([wording.emotion(name, bench.language) for name in names], bench.language)
    return bench.say(f"the motion supports {words}", f"运动支持{words}")


def _class(bench: Bench, claim: Claim) -> tuple[bool, str, str]:
    shares = bench.shares
    best = max(shares, key=lambda name: shares[name], default=None)
    word = facs.COARSE_ZH[claim.word] if bench.language == "zh" else claim.word
    return (best == claim.word) == (claim.stance != "no"), word, shares_told(bench)


def _type(bench: Bench, claim: Claim) -> tuple[bool, str, str]:
    interval, kind = bench.facts.interval, bench.facts.kind
    name = {"micro": ("a micro-expression", "微表情"), "macro": ("a macro-expression", "宏表情")}[claim.word]
    said = bench.say(*name) if claim.stance != "no" else bench.say(f"no {name[0][2:]}", f"没有{name[1]}")
    if kind is None or interval is None:
        return claim.stance == "no", said, bench.say("nothing reliable with a known duration", "没有时长可靠的动作")
    length = duration(interval.duration_ms, bench.language)
    lasted, lasted_zh = ("it lasted", "持续") if interval.complete else ("it lasted at least", "至少持续")
    right = (kind == claim.word) == (claim.stance != "no")
    return right, said, bench.say(f"{lasted} {length}", f"{lasted_zh} {length}")


JUDGES: dict[str, Judge] = {"emotion": _emotion, "word": _word, "class": _class, "type": _type}
