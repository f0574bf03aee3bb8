"""Claims of when it happened and how long it lasted."""

from __future__ import annotations

from mellm_demo.reasoning.claims import Claim
from mellm_demo.reasoning.facts import MICRO_LIMIT_MS
from mellm_demo.reasoning.grounding.bench import Bench, Judge, near
from mellm_demo.wording import duration, seconds

COMMON_MS = (MICRO_LIMIT_MS, 200.0, 40.0, 260.0)  # limits of the definitions (Yan et al. 2013)


def _time(bench: Bench, claim: Claim) -> tuple[bool, str, str]:
    if claim.upto is not None:
        return _stretch(bench, claim)
    ends = ("onset_ms", "apex_ms", "offset_ms")
    if claim.label in ("onset", "apex", "offset"):
        known = [float(getattr(one, f"{claim.label}_ms")) for one in bench.marks]
    else:
        known = [float(getattr(one, end)) for one in bench.marks for end in ends]
        known += [value for span in bench.facts.analysis.spotting.spans for value in (span.start_ms, span.end_ms)]
        known += [bench.facts.largest_at[2]] if bench.facts.largest_at and not bench.facts.is_pair else []
        known += _lengths(bench)
    slack = min(bench.facts.step_ms / 2, 20.0) if claim.label else 0.0
    said = f"{claim.label or ''} {_clock(bench, claim.value)}".strip()
    values = _clock(bench, min(known, key=lambda value: abs(value - claim.value))) if known else ""
    why = bench.say(f"the nearest measured value is {values}", f"最接近的测量值为 {values}")
    if not known:
        why = bench.say("there is no such time", "没有这样的时间")
    return near(claim, known, slack), said, why


def _stretch(bench: Bench, claim: Claim) -> tuple[bool, str, str]:
    known = [(one.onset_ms, one.offset_ms) for one in bench.marks]
    known += [(one.onset_ms, one.apex_ms) for one in bench.marks]
    known += [(one.apex_ms, one.offset_ms) for one in bench.marks]
    known += [(span.start_ms, span.end_ms) for span in bench.facts.analysis.spotting.spans]
    first, last = claim.value, claim.upto or 0.0
    slack = claim.slack + min(bench.facts.step_ms / 2, 20.0)
    right = any(abs(first - start) <= slack and abs(last - end) <= slack for start, end in known)
    said = f"{seconds(first)}–{seconds(last)} {bench.say('s', '秒')}"
    told = "; ".join(f"{seconds(start)}–{seconds(end)}" for start, end in known[:3])
    return right, said, bench.say(f"measured: {told or 'none'} s", f"测得：{told or '无'} 秒")


def _clock(bench: Bench, ms: float) -> str:
    return f"{seconds(ms)} {bench.say('s', '秒')}" if ms >= 1000.0 else duration(ms, bench.language)


def _lengths(bench: Bench) -> list[float]:
    """Every length of time that may be told, ms."""
    lengths = [bench.facts.step_ms, bench.facts.shortest_ms, bench.facts.analysis.clip.duration_ms, *COMMON_MS]
    for one in bench.marks:
        lengths += [one.duration_ms, one.apex_ms - one.onset_ms, one.offset_ms - one.apex_ms]
    lengths += [span.end_ms - span.start_ms for span in bench.facts.analysis.spotting.spans]
    return lengths + bench.quoted("ms")


def _duration(bench: Bench, claim: Claim) -> tuple[bool, str, str]:
    known = [one.duration_ms for one in bench.marks[:1]] if not bench.facts.is_pair else []
    length = known[0] if known else None
    signs = {"less": "≤ ", "more": "≥ "}
    said = bench.say("lasted ", "持续 ") + signs.get(claim.label, "") + duration(claim.value, bench.language)
    if length is None:
        return False, said, bench.say("there is no movement with a duration", "没有具有持续时间的动作")
    slack = claim.slack + min(bench.facts.step_ms / 2, 20.0)
    right = {"less": length <= claim.value + slack, "more": length >= claim.value - slack}.get(
        claim.label, any(abs(one.duration_ms - claim.value) <= slack for one in bench.marks)
    )
    told = duration(length, bench.language)
    return right, said, bench.say(f"it lasted {told}", f"持续 {told}")


JUDGES: dict[str, Judge] = {"time": _time, "duration": _duration}
