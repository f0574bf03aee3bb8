"""The measurements in words, for any model but the app's own: one line for each thing, numbers as on the page."""

from __future__ import annotations

from mellm_demo import facs, wording
from mellm_demo.headline import clause
from mellm_demo.reasoning.answers.en.words import COLOURS as COLOURS_EN
from mellm_demo.reasoning.answers.zh.words import COLOURS as COLOURS_ZH
from mellm_demo.reasoning.facts import MICRO_LIMIT_MS, Facts
from mellm_demo.reasoning.prompts.words import MEASURED
from mellm_demo.records import ActionUnitEvidence, RegionMotion
from mellm_demo.wording import Language, number, seconds


def legend(language: Language) -> str:
    """What the image shows, with the eight directions and their colours."""
    if language == "zh":
        listed = "；".join(f"{facs.DIRECTION_ZH[name]}：{colour}" for name, colour in COLOURS_ZH.items())
        return (
            "图：动作开始时的人脸（灰度），上面叠加了到顶点为止的运动。色相是方向，亮度是大小，亮度只相对于这一幅图。"
            f"\n画面方向与颜色：{listed}。\n画面右边是当事人的左侧。"
        )
    listed = "; ".join(f"{name}: {colour}" for name, colour in COLOURS_EN.items())
    return (
        "The image: the face at the onset in gray, with its motion up to the apex laid over it. Hue is direction, "
        "brightness is size, and brightness is relative to this one image.\n"
        f"Directions in the image and their colours: {listed}.\n"
        "The right of the image is the subject's left."
    )


def motion_prompt(facts: Facts, language: Language) -> str:
    """What was measured, one line for each thing; the numbers are those of the page."""
    told = (*_timing(facts, language), *_regions(facts, language), *_units(facts, language))
    lines = [*told, *_warnings(facts, language)]
    return "\n".join([MEASURED[language], *lines])


def _timing(facts: Facts, language: Language) -> tuple[str, ...]:
    clip, interval, zh = facts.analysis.clip, facts.interval, language == "zh"
    if facts.is_pair:
        return ("时间：两张图片，没有时间信息。" if zh else "Time: two pictures, which carry none.",)
    rate, length = number(clip.frame_rate), number(clip.duration_ms / 1000.0)
    lines = [
        f"视频：{length} 秒，每秒 {rate} 帧。" if zh else f"Clip: {length} s at {rate} frames/s.",
    ]
    if interval is None:
        return tuple(lines)
    onset, apex, offset = (seconds(ms) for ms in (interval.onset_ms, interval.apex_ms, interval.offset_ms))
    span = wording.duration(interval.duration_ms, language)
    limit = wording.duration(MICRO_LIMIT_MS, language)
    if zh:
        lines.append(f"时间：起始 {onset} 秒，顶点 {apex} 秒，终止 {offset} 秒，持续 {span}。")
        kind = f"微表情（不超过 {limit}）" if interval.kind == "micro" else f"宏表情（超过 {limit}）"
        cut = "" if interval.complete else "视频结束时面部尚未恢复静止，实际更长。"
        lines.append(cut + ("" if cut and interval.kind == "micro" else f"按时长：{kind}。"))
    else:
        lines.append(f"Time: onset {onset} s, apex {apex} s, offset {offset} s, duration {span}.")
        micro = f"a micro-expression (no more than {limit})"
        kind = micro if interval.kind == "micro" else f"a macro-expression (more than {limit})"
        cut = "The clip ends before the face is back at rest: the true duration is longer."
        told = [] if interval.complete else [cut]
        told += [] if told and interval.kind == "micro" else [f"By its length: {kind}."]
        lines.append(" ".join(told))
    return tuple(lines)


def _regions(facts: Facts, language: Language) -> tuple[str, ...]:
    """One line for each moving region, strongest first, then the noise."""
    zh, floor = language == "zh", number(facts.floor_px, 2)
    lines = [_region_line(motion, language) for motion in facts.moving]
    if zh:
        head = "移动的区域，由强到弱（256 像素人脸图中的像素；占瞳距的百分比；方向）："
        tail = f"噪声：{floor} 像素。没有列出的区域都没有超过噪声。"
        return (head, *lines, tail) if lines else (f"没有区域超过噪声（{floor} 像素）。",)
    head = (
        "Regions that moved, strongest first (px of the 256 px face crop; % of the distance between the pupils; way):"
    )
    tail = f"Noise: {floor} px. Regions that are not listed stayed under it."
    return (head, *lines, tail) if lines else (f"No region moved by more than the noise ({floor} px).",)


def _region_line(motion: RegionMotion, language: Language) -> str:
    where, way = wording.region(motion.name, motion.side, language), wording.direction(motion, language)
    px, share = number(motion.magnitude_px, 2), number(motion.magnitude_iod)
    if language == "zh":
        return f"- {where}：{px} 像素，{share}%，{way}（画面中{facs.DIRECTION_ZH[motion.direction]}）"
    return f"- {where}: {px} px, {share} %, {way} (in the image: {motion.direction})"


def _units(facts: Facts, language: Language) -> tuple[str, ...]:
    """Action units with fit, side and witnesses; the coarse class and the readings that rules draw from them."""
    if not facts.found:
        return ()
    zh = language == "zh"
    if not facts.units:
        return ("运动与所检测的动作单元都不吻合。" if zh else "The motion fits none of the action units looked for.",)
    lines = ["动作单元（数值 0 到 1；吻合度不是概率）：" if zh else "Action units (0 to 1; a fit is no probability):"]
    lines += [_unit_line(unit, language) for unit in facts.units]
    coarse = facts.analysis.evidence.coarse if facts.analysis.evidence else None
    if coarse is not None:
        shares = [(name, number(getattr(coarse, name), 2)) for name in facs.COARSE_CLASSES]
        told = [f"{facs.COARSE_ZH[name] if zh else name} {share}" for name, share in shares]
        lines.append(f"粗分类份额：{'，'.join(told)}。" if zh else f"Shares of the coarse classes: {', '.join(told)}.")
    readings = [wording.emotion(one.name, language) for one in wording.readings(facts.emotions)]
    if readings:
        listed = wording.joined(readings, language, last="or")
        lines.append(f"规则由此初步推断：{listed}。" if zh else f"What rules read from that, tentatively: {listed}.")
    return tuple(lines)


def _unit_line(unit: ActionUnitEvidence, language: Language) -> str:
    known, value, px = facs.AU_BY_NUMBER.get(unit.au), number(unit.probability, 2), number(unit.strength_px, 2)
    scale = wording.scale(unit)
    midline = unit.side == "both" and known is not None and not known.paired
    if language == "zh":
        name, side = known.name_zh if known else unit.name, "中线" if midline else facs.SIDE_ZH[unit.side]
        heard = "，".join(f"{one.name} {number(one.probability, 2)}" for one in unit.witnesses)
        return f"- AU{unit.au} {name}，{side}：{wording.SCALE_ZH[scale]} {value}，{px} 像素" + (
            f"；依据：{heard}" if heard else ""
        )
    side = "midline" if midline else {"both": "both sides"}.get(unit.side, f"{unit.side} side")
    heard = ", ".join(f"{one.name} {number(one.probability, 2)}" for one in unit.witnesses)
    return f"- AU{unit.au} {unit.name.lower()}, {side}: {scale} {value}, {px} px" + (
        f"; witnesses: {heard}" if heard else ""
    )


def _warnings(facts: Facts, language: Language) -> tuple[str, ...]:
    """What limits the finding, as the checks say it."""
    interval, zh = facts.interval, language == "zh"
    told = [clause(text) for text in (interval.warnings if interval else ())]
    told += [clause(check.sentence) for check in facts.analysis.verdict.checks if check.severity != "ok"]
    if interval is not None and interval.by_user and not facts.is_pair:
        told.append("起始帧和顶点帧由访客设定" if zh else "onset and apex were set by the visitor")
    listed = "; ".join(dict.fromkeys(told))
    if not listed:
        return ()
    return (f"请注意：{listed}。" if zh else f"Keep in mind: {listed}.",)


def unreliable(facts: Facts, language: Language) -> str:
    """That nothing reliable was found, with the reasons: to be explained, not guessed around."""
    largest = facts.largest
    digits = wording.digits_apart(largest.px, largest.floor_px)
    px, noise = number(largest.px, digits), number(largest.floor_px, digits)
    reasons = "; ".join(clause(reason) for reason in facts.analysis.reasons)
    if language == "zh":
        because = reasons or f"最大位移 {px} 像素，噪声 {noise} 像素"
        return (
            f"结论：没有可靠的微表情，因为：{because}。（最大位移 {px} 像素，该处噪声 {noise} 像素。）\n"
            "请说明为什么，不要猜测：不要认定任何动作单元或情绪。图中的颜色在静止的脸上也会发亮，不能作为依据。"
        )
    because = reasons or f"the largest movement was {px} px and the noise is {noise} px"
    return (
        f"Finding: no reliable micro-expression, because {because}. "
        f"(Largest movement {px} px, noise there {noise} px.)\n"
        "Explain why, and do not guess: claim no action unit and no emotion. The colours of the image light up on a "
        "face at rest as well and are no evidence here."
    )
