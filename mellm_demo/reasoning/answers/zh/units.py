"""Action units: all that are claimed, one of them with its grounds, its side. Chinese."""

from __future__ import annotations

from mellm_demo import facs, wording
from mellm_demo.reasoning.answers.shared import LISTED_SPANS, SHOWN_GROUPS
from mellm_demo.reasoning.answers.zh.nothing import short
from mellm_demo.reasoning.answers.zh.pieces import (
    code,
    codes,
    group_moved,
    group_px,
    region_told,
    scale_word,
    span_times,
)
from mellm_demo.reasoning.facts import Facts
from mellm_demo.reasoning.intents import Query
from mellm_demo.records import ActionUnitEvidence, RegionMotion
from mellm_demo.wording import number


def _does(au: int) -> str:
    known = facs.AU_BY_NUMBER.get(au)
    return known.plain_zh if known else "牵动面部的一部分"


def unit_lines(facts: Facts) -> str:
    """Every claimed action unit on a line of its own, and what its number means."""
    lines = [
        f"- **{code(unit.au)}**，{_side_note(unit)}：{_does(unit.au)}。"
        f"{scale_word(unit)} {number(unit.probability, 2)}，{number(unit.strength_px)} 像素。"
        for unit in facts.units
    ]
    return "\n".join(lines) + f"\n\n{_scale_note(facts)}"


def _scale_note(facts: Facts) -> str:
    scales = {wording.scale(unit) for unit in facts.units}
    notes = {
        "probability": "概率来自在真实微表情上训练的网络，并与规则合并，误差可达十分之一或更多。",
        "fit": "吻合度从 0 到 1，表示测得的运动与该动作单元的接近程度，并不是判断正确的概率。",
    }
    return "".join(note for scale, note in notes.items() if scale in scales)


def _side_note(unit: ActionUnitEvidence) -> str:
    known = facs.AU_BY_NUMBER.get(unit.au)
    if unit.side == "both" and known is not None and not known.paired:
        return "位于中线"
    return facs.SIDE_ZH[unit.side]


def no_unit() -> str:
    """That the movement fits no action unit."""
    return "动作确实存在，但与所检测的动作单元都不吻合，因此不作命名。"


def answer_units(facts: Facts, query: Query) -> str:
    if facts.units:
        return unit_lines(facts)
    if facts.found:
        return no_unit()
    return f"没有认定任何动作单元。{short(facts)}{_faint(facts)}"


def _faint(facts: Facts) -> str:
    evidence = facts.analysis.evidence
    if facts.state != "doubtful" or evidence is None or not evidence.action_units:
        return ""
    return f"如果这一动作是真实的，它最接近 {code(evidence.action_units[0].au)}，但这不是结论。"


def answer_unit(facts: Facts, query: Query) -> str:
    if not query.units:
        known = codes(tuple(unit.number for unit in facs.ACTION_UNITS if unit.by_rules))
        return f"本程序不检测这个名称的动作单元。检测的有：{known}。"
    return "\n\n".join(one_unit(facts, au) for au in query.units[:3])


def one_unit(facts: Facts, au: int) -> str:
    """Whether one action unit is shown, and what speaks for or against it."""
    known = facs.AU_BY_NUMBER.get(au)
    if known is None:
        return f"AU{au} 不在本程序已知的动作单元之内，因此既不能认定，也不能排除。"
    unit = facts.unit(au)
    what = f"{code(au)}：{known.plain_zh}。"
    if unit is not None:
        size = f"{number(unit.strength_px)} 像素（瞳距的 {number(facts.percent(unit.strength_px))}%）"
        return (
            f"有。{what}此处出现在{_side_where(unit)}，幅度 {size}，{scale_word(unit)} {number(unit.probability, 2)}。"
            f"{basis_of(facts, unit)}"
        )
    if au in (45, 46):
        blinks = facts.spans("blink")
        times = "、".join(span_times(span) for span in blinks[:LISTED_SPANS])
        seen = f"标记到的眨眼：{times}。" if blinks else "没有标记到眨眼。"
        return f"{what}眼睑的动作在时间轴上标出，不计入表情。{seen}"
    if not facts.found:
        return f"{what}是否出现无法判断：这段视频没有认定任何动作单元。{short(facts)}"
    if not known.by_rules:
        return f"{what}二维运动无法把它与 {codes(known.confusers)} 区分开，因此既不认定，也不排除。"
    behind = facts.motions_behind(au)
    seen = f"{_listing(behind)}；噪声为 {number(facts.floor_px)} 像素。" if behind else ""
    return f"没有。{what}测得的运动不支持它。{seen}"


def _side_where(unit: ActionUnitEvidence) -> str:
    note = _side_note(unit)
    return "中线" if note == "位于中线" else note


def _listing(motions: tuple[RegionMotion, ...]) -> str:
    return "，".join(
        f"{region_told(motion)}{wording.direction(motion, 'zh')}移动 {number(motion.magnitude_px)} 像素"
        if motion.moving
        else f"{region_told(motion)}低于噪声（{number(motion.magnitude_px)} 像素）"
        for motion in motions
    )


def basis_of(facts: Facts, unit: ActionUnitEvidence) -> str:
    """What a claimed action unit rests on."""
    motions = tuple(motion for motion in facts.motions if motion.key in unit.regions)
    return f"依据：{_listing(motions)}。" if motions else ""


def answer_side(facts: Facts, query: Query) -> str:
    if not facts.found:
        return f"无法指明哪一侧。{short(facts)}"
    units = [unit for au in query.units if (unit := facts.unit(au))] if query.units else list(facts.units)
    lines = [f"- {code(unit.au)}：{_side_note(unit)}{by_side(facts, unit)}" for unit in units]
    absent = tuple(au for au in query.units if facts.unit(au) is None)
    if absent:
        lines.append(f"- {codes(absent)}：没有出现，因此不在任何一侧")
    if not lines:
        lines = [f"- {group_moved(group)}（{group_px(group)}）" for group in facts.groups[:SHOWN_GROUPS]]
    return "\n".join(lines) + "\n\n左右均指当事人自己的左右；在画面中，当事人的左侧位于右边。"


def by_side(facts: Facts, unit: ActionUnitEvidence) -> str:
    """How far each side moved in the regions of an action unit, in brackets."""
    sided = [motion for motion in facts.motions if motion.key in unit.regions and motion.side]
    told = []
    for name in dict.fromkeys(motion.name for motion in sided):
        values = "，".join(
            f"{'左' if motion.side == 'left' else '右'} {number(motion.magnitude_px)} 像素"
            for motion in facts.motions_of(name)
        )
        told.append(f"{facs.REGION_ZH.get(name, name)}{values}")
    return f"（{'；'.join(told)}）" if told else ""
