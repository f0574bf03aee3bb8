"""How strongly and where the face moved, region by region and compared. Chinese."""

from __future__ import annotations

from mellm_demo import facs, wording
from mellm_demo.reasoning.answers.shared import families_compared, sides_compared
from mellm_demo.reasoning.answers.zh.nothing import short
from mellm_demo.reasoning.answers.zh.pieces import code, group_moved, group_px, group_sizes, region_told
from mellm_demo.reasoning.answers.zh.units import by_side
from mellm_demo.reasoning.facts import Facts
from mellm_demo.reasoning.intents import Query
from mellm_demo.records import RegionMotion
from mellm_demo.wording import number


def answer_strength(facts: Facts, query: Query) -> str:
    if not facts.found and not facts.moving:
        return short(facts)
    lead = "" if facts.found else short(facts)
    lines = []
    for au in query.units:
        unit = facts.unit(au)
        if unit is None:
            lines.append(f"AU{au} 没有出现，因此没有强度。")
        else:
            size = f"{number(unit.strength_px)} 像素，为瞳距的 {number(facts.percent(unit.strength_px))}%"
            sides = by_side(facts, unit) if unit.side == "both" else f"，在{facs.SIDE_ZH[unit.side]}"
            lines.append(f"{code(au)}：{size}{sides}。")
    if lines:
        return lead + "\n\n".join(lines)
    first = facts.groups[0]
    text = f"{lead}{group_moved(first)}：{group_sizes(first)}。"
    if facts.floor_px > 0:
        ratio = number(first.strongest.magnitude_px / facts.floor_px)
        which = "其中较大的值" if first.side == "both" else "这"
        text += f"{which}是本片段噪声（{number(facts.floor_px)} 像素）的 {ratio} 倍。"
    return f"{text}像素指对齐后 256 像素人脸图中的像素。"


def answer_where(facts: Facts, query: Query) -> str:
    if not facts.groups:
        return short(facts)
    lead = "" if facts.found else short(facts)
    first, *others = facts.groups
    noise = f"噪声（{number(facts.floor_px)} 像素）"
    text = f"{lead}最明显的是{group_moved(first)}（{group_px(first)}）。"
    if others:
        listed = "；".join(f"{group_moved(group)}（{group_px(group)}）" for group in others)
        return f"{text}其次依次为：{listed}。其余区域都低于{noise}。"
    return f"{text}其他区域都没有超过{noise}。"


def answer_region(facts: Facts, query: Query) -> str:
    if not facts.motions:
        return short(facts)
    lines = []
    for name in query.regions[:3]:
        for motion in facts.motions_of(name, query.side):
            size = f"{number(motion.magnitude_px)} 像素（瞳距的 {number(motion.magnitude_iod)}%）"
            if motion.moving:
                lines.append(f"- {region_told(motion)}{wording.direction(motion, 'zh')}移动了 {size}。")
            else:
                lines.append(f"- {region_told(motion)}没有可测的移动：{size}，噪声为 {number(facts.floor_px)} 像素。")
    lead = "" if facts.found else f"{short(facts)}\n\n"
    return lead + "\n".join(lines) if lines else answer_where(facts, query)


def answer_compare(facts: Facts, query: Query) -> str:
    if not facts.motions:
        return f"没有可以比较的动作。{short(facts)}"
    moved = tuple(dict.fromkeys(motion.name for motion in facts.moving))
    sided = tuple(dict.fromkeys(motion.name for motion in facts.moving if motion.side))  # left and right are compared
    names = query.regions or (sided or moved)[:2]
    lines = [f"- {facs.REGION_ZH.get(name, name)}：{_each_side(facts.motions_of(name))}" for name in names]
    if not lines:
        return short(facts)
    verdicts = (_between_families(facts, names) if query.regions else "") or _between_sides(facts, names)
    return "\n\n".join(part for part in ("" if facts.found else short(facts), "\n".join(lines), verdicts) if part)


def _each_side(motions: tuple[RegionMotion, ...]) -> str:
    told = []
    for motion in motions:
        side = {"left": "左 ", "right": "右 "}.get(motion.side or "", "")
        how = wording.direction(motion, "zh") if motion.moving else "低于噪声"
        told.append(f"{side}{number(motion.magnitude_px)} 像素（{how}）")
    return "，".join(told)


def _between_sides(facts: Facts, names: tuple[str, ...]) -> str:
    return "".join(_difference(facts, more, less) for more, less in sides_compared(facts, names))


def _between_families(facts: Facts, names: tuple[str, ...]) -> str:
    if (two := families_compared(facts, names)) is None:
        return ""
    return _difference(facts, *two) if two[0].moving else "两者都没有超过噪声。"


def _difference(facts: Facts, more: RegionMotion, less: RegionMotion) -> str:
    gap = more.magnitude_px - less.magnitude_px
    if gap > facts.floor_px:
        return f"{region_told(more)}比{region_told(less)}多移动 {number(gap)} 像素，差别超过噪声。"
    return (
        f"{region_told(more)}与{region_told(less)}相差 {number(gap)} 像素，"
        f"在噪声（{number(facts.floor_px)} 像素）范围内，两者大致相当。"
    )
