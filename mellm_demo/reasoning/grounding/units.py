"""Claims about action units: shown or not, whole lists, names, sides."""

from __future__ import annotations

from mellm_demo import facs
from mellm_demo.reasoning.claims import Claim
from mellm_demo.reasoning.grounding.bench import Bench, Judge
from mellm_demo.wording import joined

MOST_LISTED = 6  # units that whoever lists them must name; any further are the weakest


def _unit(bench: Bench, claim: Claim) -> tuple[bool, str, str]:
    if not claim.units:
        said = bench.say("that action unit is shown", "出现了该动作单元")
        return claim.stance == "no", said, bench.say("no unit of that name is looked for", "未检测这一名称的单元")
    au = claim.units[0]
    shown = au in bench.facts.claimed
    if claim.stance == "no":
        said = bench.say(f"AU{au} is not shown", f"没有出现 AU{au}")
    else:
        said = bench.say(f"AU{au} is shown", f"出现了 AU{au}")
    return shown == (claim.stance != "no"), said, _claimed(bench)


def _list(bench: Bench, claim: Claim) -> tuple[bool, str, str]:
    """Whether no unit is missing; those that are too many are claims of their own."""
    codes = joined([f"AU{au}" for au in claim.units], bench.language)
    wanted = {unit.au for unit in bench.facts.units[:MOST_LISTED]}
    said = bench.say(f"no other unit than {codes}", f"除 {codes} 外没有其他单元")
    return wanted <= set(claim.units), said, _claimed(bench)


def _name(bench: Bench, claim: Claim) -> tuple[bool, str, str]:
    """A name beside a code; those that are right are no claims."""
    code = joined([f"AU{au}" for au in claim.units], bench.language)
    known = [facs.AU_BY_NUMBER[au] for au in claim.units if au in facs.AU_BY_NUMBER]
    names = joined([one.name_zh if bench.language == "zh" else one.name for one in known], bench.language)
    why = bench.say(f"{code} is the {names}", f"{code} 是{names}")
    if not known:
        why = bench.say(f"{code} has no such name", f"{code} 没有这个名称")
    return False, bench.say(f"{code} is called {claim.word}", f"{code} 称为{claim.word}"), why


def _claimed(bench: Bench) -> str:
    if not bench.facts.found:
        return bench.say("no action unit is claimed in this clip", "这段视频没有认定任何动作单元")
    codes = [f"AU{au}" for au in bench.facts.claimed]
    if not codes:
        return bench.say("the motion fits no action unit", "运动与任何动作单元都不吻合")
    return bench.say(f"the motion supports {joined(codes)}", f"运动支持 {joined(codes, 'zh')}")


def _side(bench: Bench, claim: Claim) -> tuple[bool, str, str]:
    units = [unit for unit in bench.facts.units if unit.au in claim.units]
    code = joined([f"AU{au}" for au in claim.units], bench.language)
    if claim.side is None:
        said = bench.say(f"{code} on one side", f"{code} 单侧")
        right = bool(units) and all(unit.side != "both" for unit in units)
    else:
        side = _side_word(bench, claim.side)
        said = bench.say(f"{code} on {side}", f"{code} {side}")
        right = bool(units) and all(unit.side == claim.side for unit in units)
    found = [f"AU{unit.au} {_side_word(bench, unit.side)}" for unit in units]
    return right, said, joined(found, bench.language) if found else _claimed(bench)


def _side_word(bench: Bench, side: str) -> str:
    if bench.language == "zh":
        return facs.SIDE_ZH[side]
    return "both sides" if side == "both" else f"the {side}"


JUDGES: dict[str, Judge] = {"unit": _unit, "list": _list, "name": _name, "side": _side}
