"""Claims about regions: whether they moved, which way, how many of them there are."""

from __future__ import annotations

from collections.abc import Iterable

from mellm_demo import facs, wording
from mellm_demo.reasoning.claims import Claim
from mellm_demo.reasoning.grounding.bench import Bench, Judge, told
from mellm_demo.records import RegionMotion
from mellm_demo.wording import number

SIDEWAYS = 0.3  # a part of a direction counts from this share of the other part on, a little under the octant's edge
IMAGE_WAY_DEG = 50.0  # an image direction may be this far from the measured one: its octant and a little


def _region(bench: Bench, claim: Claim) -> tuple[bool, str, str]:
    motions = bench.motions_of(claim)
    name = "/".join(dict.fromkeys(wording.region(n, claim.side, bench.language) for n in claim.names))
    if claim.stance == "no":
        one = len(claim.names) == 1 or claim.side == "both"
        right = not any(m.moving for m in motions) if one else not all(m.moving for m in motions)
        return right, bench.say(f"{name} did not move", f"{name}没有移动"), _measured(bench, motions)
    fits = [m for m in motions if m.moving and all(_goes(m, way) for way in claim.ways)]
    if claim.side == "both":
        right = any({"left", "right"} <= {m.side for m in fits if m.name == one} for one in claim.names)
        right = right or any(m.side is None for m in fits)
    else:
        right = bool(fits)
    ways = " ".join(way.removeprefix("image:") for way in claim.ways)
    said = bench.say(f"{name} moved {ways}".strip(), f"{name}移动{f'（{ways}）' if ways else ''}")
    return right, said, _measured(bench, motions)


def _count(bench: Bench, claim: Claim) -> tuple[bool, str, str]:
    here = [one for one in facs.REGIONS if one.name in claim.names and (claim.side in (None, "both", one.side))]
    name = wording.region(claim.names[0], None, bench.language)
    said = bench.say(f"{told(claim)} times the {name}", f"{told(claim)} 个{name}")
    return claim.value <= len(here), said, bench.say(f"a face has {len(here)}", f"一张脸有 {len(here)} 个")


def _measured(bench: Bench, motions: Iterable[RegionMotion]) -> str:
    told = []
    for motion in motions:
        where, px = wording.region(motion.name, motion.side, bench.language), number(motion.magnitude_px)
        way = wording.direction(motion, bench.language)
        if bench.language == "zh":
            told.append(f"{where}{way}移动 {px} 像素" if motion.moving else f"{where}低于噪声（{px} 像素）")
        else:
            told.append(f"{where} moved {way} by {px} px" if motion.moving else f"{where} under the noise ({px} px)")
    return "; ".join(told[:4]) or bench.say("nothing was measured there", "该处没有测量值")


def _goes(motion: RegionMotion, way: str) -> bool:
    """Whether a motion has this part: up, down, out, in, the subject's left or right, or an image direction."""
    if way.startswith("image:"):
        wanted = 45.0 * facs.DIRECTIONS.index(way.removeprefix("image:"))
        return abs((motion.direction_deg - wanted + 180.0) % 360.0 - 180.0) <= IMAGE_WAY_DEG
    along, across = (motion.v_px, motion.u_px) if way in ("up", "down") else (motion.u_px, motion.v_px)
    enough = abs(along) >= SIDEWAYS * abs(across)
    if way in ("up", "down"):
        return enough and (along < 0) == (way == "up")
    towards_left = along > 0  # an unmirrored picture: the subject's left is at the right
    if way in ("left", "right"):
        return enough and towards_left == (way == "left")
    return enough and motion.side is not None and (towards_left == (motion.side == "left")) == (way == "out")


JUDGES: dict[str, Judge] = {"region": _region, "count": _count}
