"""Numbers in a text: sizes, shares and times, with what they are said to be of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from mellm_demo.reasoning.claims.kinds import Claim, Region, Units, half_digit
from mellm_demo.reasoning.claims.regions import SIDE_WORDS
from mellm_demo.reasoning.claims.sentences import Sentence

_PX, _PERCENT, _MS, _S = (
    r"px\b|pixels?\b|像素",
    r"%|per ?cent\b",
    r"ms\b|milliseconds?\b|毫秒",
    r"s\b|sec(?:onds?)?\b|秒",
)
# Not the end of “2,05 px”, as some languages write it, or of “1,200 ms”; but that of “0.8,5.8 px”, as Chinese puts it.
_AFTER_COMMA = "".join(rf"(?<!(?<!\.)\b\d{{{digits}}},)" for digits in (1, 2, 3))
_NUMBER = re.compile(
    rf"(?<![\w./]){_AFTER_COMMA}(\d+(?:\.\d+)?)(?:\s*(?:-|–|~|to|至|到)\s*(\d+(?:\.\d+)?))?\s*(?:({_PX})|({_PERCENT})|({_MS})|({_S}))(?!/)"
)
_FIT = re.compile(
    r"(?:\bfit\w*|\bprobability|\bconfidence|\bscore|吻合度|概率|置信度)\s*(?:of|is|was|:|为|是|=)?\s*([01]\.\d+)"
)
_FIT_OF_CODE = re.compile(r"(?<![a-z])au\s*(\d{1,2})\s*[:(]?\s*([01]\.\d+)")
_RATIO = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)\s*(?:times|×|倍)")
_ABOUT_SO = re.compile(r"(?:\babout|\broughly|\bapproximately|\baround|\bnearly|\balmost|\bsome|~|≈|大约|约|近)\s*$")
_FROM_TO = re.compile(rf"(\d+(?:\.\d+)?)\s*({_S}|{_MS})\s*(?:to|until|–|-|至|到)\s*(\d+(?:\.\d+)?)\s*({_S}|{_MS})")
_NOISE = re.compile(r"(?:\bnoise(?: floor| level)?|噪声(?:水平)?)\s*(?:of|is|was|at|:|为|是|\()?\s*$")
_GAP = re.compile(r"\bdiffer|\bmore than the\b|\bdifference\b|相差|多移动")
_OF_THE_CROP = re.compile(r"\s*(?:(?:face )?crop|人脸图)")
_NOT_MEASURED = re.compile(r"(?:×|\bx)\s*$|\d\s*$")
_LABELS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "onset",
        re.compile(
            r"(?:\bonset|\bstart(?:s|ed|ing)?|\bbeg[ia]n(?:s|ning)?|起始|开始)(?: frame| time)?[^\d\n.。]{0,12}$"
        ),
    ),
    (
        "apex",
        re.compile(r"(?:\bapex|\bpeak(?:s|ed|ing)?|\b(?:largest|strongest) at|\bmaximum|顶点|峰值)[^\d\n.。]{0,14}$"),
    ),
    ("offset", re.compile(r"(?:\boffset|\bend(?:s|ed|ing)?|终止|结束)[^\d\n.。]{0,12}$")),
    ("lasted", re.compile(r"(?:\blast(?:s|ed|ing)?|\bduration|持续(?:时间|了)?|时长)[^\d\n.。]{0,16}$")),
)
_LATER = re.compile(r"after|later|before|\band\b|\bback\b|之后|以后|之前|用了")
_LESS = re.compile(r"no more than|not more than|less than|under|below|within|at most|up to|不超过|少于|短于|以内")
# “It lasted 1.7 s, no more than 500 ms”: the second number says as much of the duration as the first.
_LASTED_LESS = re.compile(
    r"\blast(?:s|ed|ing)?\b[^\n!?]{0,40}(?:no more than|not more than|within(?: the limit of)?)\s*$"
)
_MORE = re.compile(r"more than|longer than|over\b|above|exceed|at least|超过|长于|至少")


def number_claims(sentence: Sentence, groups: list[Units], regions: list[Region], line: int) -> Iterator[Claim]:
    """Sizes, shares, ratios and times of a sentence; ``line`` is where its line begins."""
    text = sentence.text
    paired: set[int] = set()
    for found in _FROM_TO.finditer(text, sentence.start, sentence.end):
        first, last = (_ms(found[value], found[unit]) for value, unit in ((1, 2), (3, 4)))
        slack = half_digit(_digits(found[1])) * (1000.0 if found[2][0] in "s秒" else 1.0)
        paired |= {found.start(1), found.start(3)}
        yield Claim(found.start(), found.end(), "time", value=first, upto=last, slack=slack)
    for found in _NUMBER.finditer(text, sentence.start, sentence.end):
        before = text[line : found.start()]
        if found.start() in paired or _NOT_MEASURED.search(before) or _OF_THE_CROP.match(text, found.end()):
            continue
        claim = Claim(found.start(), found.end(), "px", value=float(found[1]), slack=half_digit(_digits(found[1])))
        if _ABOUT_SO.search(before):
            claim = replace(claim, slack=max(2 * claim.slack, 0.1 * claim.value))
        claim = _in_context(claim, sentence, groups, regions)
        if found[3]:
            yield _px(claim, sentence, before)
        elif found[4]:
            fit = re.search(r"(?:\bfit|probab|confiden|吻合度|概率|置信度)[^\d\n]{0,12}$", before)
            yield replace(claim, kind="percent", label="fit" if fit else "")
        else:
            yield _moment(claim, text, before, found)
    for found in _FIT.finditer(text, sentence.start, sentence.end):
        near = tuple(au for one in groups if sentence.start <= one.start < sentence.end for au in one.units)
        near = near or next((one.units for one in reversed(groups) if line <= one.start < found.start()), ())
        slack = half_digit(_digits(found[1]))
        yield Claim(found.start(), found.end(), "fit", units=near, value=float(found[1]), slack=slack)
    for found in _FIT_OF_CODE.finditer(text, sentence.start, sentence.end):
        slack = half_digit(_digits(found[2]))
        yield Claim(found.start(), found.end(), "fit", units=(int(found[1]),), value=float(found[2]), slack=slack)
    for found in _RATIO.finditer(text, sentence.start, sentence.end):
        if re.search(r"noise|噪声", text[sentence.start : sentence.end]) and not re.match(
            r"\s*\d", text[found.end() :]
        ):
            slack = half_digit(_digits(found[1]))
            yield Claim(found.start(), found.end(), "ratio", value=float(found[1]), slack=slack)


def _digits(number: str) -> int:
    return len(number.partition(".")[2])


def _ms(number: str, unit: str) -> float:
    return float(number) * (1000.0 if unit[0] in "s秒" else 1.0)


def _in_context(claim: Claim, sentence: Sentence, groups: list[Units], regions: list[Region]) -> Claim:
    """With the region, side or action unit that was named last before it in the line.

    From an earlier sentence an action unit counts before a region: that region may have been part of a definition.
    """
    text = sentence.text
    region = max((one for one in regions if one.end <= claim.start), key=lambda one: one.start, default=None)
    group = max((one for one in groups if one.end <= claim.start), key=lambda one: one.start, default=None)
    if region and region.start < sentence.start:
        largest = re.search(r"largest|最大", text[sentence.start : claim.start])
        region = None if group or largest else region
    if region and (group is None or group.start < region.start):
        bare = re.findall(r"\b(left|right)\b|(左|右)侧?", text[region.end : claim.start])
        side = SIDE_WORDS[bare[-1][0] or bare[-1][1]] if bare else region.side
        return replace(claim, names=region.names, side=side, units=group.units if group else ())
    return replace(claim, units=group.units) if group else claim


def _px(claim: Claim, sentence: Sentence, before: str) -> Claim:
    first, last = sentence.clause(claim.start)
    clause = sentence.text[first:last]
    if _NOISE.search(before) or re.search(r"(?:\bnoise|噪声)[^\d\n.。;,，)]{0,14}$", before):
        under = re.search(r"(?:under the|below the|低于)\s*(?:noise|噪声)\s*\(\s*$", before)
        return replace(claim, label="under" if under else "noise")
    if _GAP.search(clause):
        return replace(claim, label="gap")
    if re.search(r"(?:more than|exceed\w*|超过|above|over)\s*$", before):
        return replace(claim, label="any")
    return claim


def _moment(claim: Claim, text: str, before: str, found: re.Match[str]) -> Claim:
    """A point or a stretch of time, with what it is said to be."""
    factor = 1.0 if found[5] else 1000.0
    claim = replace(claim, kind="time", value=claim.value * factor, slack=claim.slack * factor)
    if found[2]:
        return replace(claim, upto=float(found[2]) * factor)
    if _LASTED_LESS.search(before):
        return replace(claim, kind="duration", label="less")
    after = text[found.end() : found.end() + 14]
    for label, pattern in _LABELS:
        told = pattern.search(before)
        if told is None or (
            label != "lasted" and (_LATER.search(told.group()) or re.match(r"\s*(?:after|later|之后)", after))
        ):
            continue
        if label == "lasted":
            more, less = _MORE.search(told.group()), _LESS.search(told.group())
            return replace(claim, kind="duration", label="less" if less else "more" if more else "lasted")
        return replace(claim, label=label)
    if re.match(r"\s*(?:达到最大|最明显|\(apex|\(peak)", after):
        return replace(claim, label="apex")
    return claim
