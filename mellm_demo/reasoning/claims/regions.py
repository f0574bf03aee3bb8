"""Regions in a text: whether they are said to have moved, and which way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from mellm_demo.reasoning.claims.kinds import Claim, Region, Units
from mellm_demo.reasoning.claims.sentences import DEFINES, GENERAL, Sentence
from mellm_demo.reasoning.intents import REGION_WORDS
from mellm_demo.records import BothSides

SIDE_WORDS: dict[str, BothSides] = {
    **dict.fromkeys(("left", "左侧", "左边", "左"), "left"),
    **dict.fromkeys(("right", "右侧", "右边", "右"), "right"),
    **dict.fromkeys(("both", "双侧", "两侧", "双", "两边"), "both"),
}
_STILL = (
    r"did not (?:visibly |measurably )?move|d(?:o|oes) not (?:visibly |measurably )?move|didn't move|stay\w*|remain\w*"
    r"|(?:was|were|is|are) (?:still|at rest|motionless)|show\w* no"
    r"|没有可测的移动|没有移动|未移动|没有动|低于噪声|保持静止|没有超过"
)
_MOVES = (
    r"mov(?:ed?|es|ing)|shift\w*|went|goes|rose|rises?|lift\w*|raised?|pull\w*|dr[ae]w\w*|f[ae]ll\w*|dropp?\w*|lower\w*"
    r"|sank|stretch\w*|displac\w*"
    r"|(?:is|are|was|were) (?:pulled|raised|lifted|lowered|drawn|displaced|moved|moving|shifted)"
    r"|向|朝|上扬|上抬|上提|抬起|上移|下压|下拉|下移|下垂|移动|内收"
)
_VERB = re.compile(
    r"[\s,]*(?:on (?:the )?(?:subject's )?(?P<side>left|right)(?: side)?[\s,]*)?"
    r"(?:both |each |also |then |clearly |slightly |briefly |all |都|也|均|略微|轻微|明显|同时|稍)*"
    rf"(?:(?P<still>{_STILL})|(?P<moves>{_MOVES}))"
)
_WAYS = re.compile(
    r"\b(?P<image>(?:up|down)-(?:left|right))\b|\b(?P<up>upwards?|up|rose|rises?|lift\w*|raised?)\b"
    r"|\b(?P<down>downwards?|down|f[ae]ll\w*|dropp\w*|lowered|sank)\b|\b(?P<out>outwards?|out)\b"
    r"|\b(?P<in>inwards?|(?<=and )in)\b|towards? (?:the |their |his |her )?(?:subject's |own )?(?P<left>left)\b"
    r"|towards? (?:the |their |his |her )?(?:subject's |own )?(?P<right>right)\b"
)
_WAY_ZH = re.compile(r"[向朝]([本人左右侧上下内外斜并向、]+)|(上扬|上抬|上提|抬起|上移)|(下压|下拉|下移|下垂)|(内收)")
_ONLY_WHILE = re.compile(
    r"\s*(?:mov\w*|shift\w*)\s+only (?:while|when|during|with)\b|只在|仅在"
)  # when, not that it did
_NOUN = re.compile(
    r"\b(upward|downward|outward|inward)s? (?:and (upward|downward|outward|inward)s? )?"
    r"(?:movement|motion|displacement|shift|pull|lift|raise) (?:of|in|at) (?:the )?(?:subject's )?$"
)


def find_regions(text: str, start: int, end: int, groups: list[Units]) -> list[Region]:
    """Regions named in a line, with the side right before them; names of action units are none."""
    found = []
    for english, chinese, names in REGION_WORDS:
        pattern = re.compile(
            rf"(?:\b(left|right|both)\s+)?(?:{english})(?: folds?| wings?)?s?"
            rf"|(?:(左侧|右侧|左边|右边|双侧|两侧|左|右|双|两边)的?)?(?:{chinese})"
        )
        for one in pattern.finditer(text, start, end):
            taken = any(group.start < one.end() and one.start() < group.end for group in groups)
            if not taken:
                side = SIDE_WORDS.get(one[1] or one[2] or "")
                found.append(Region(one.start(), one.end(), names, side, bool(_PLURAL.search(one[0]))))
    found.sort(key=lambda one: (one.start, -one.end))
    kept: list[Region] = []
    for region in found:
        if not kept or region.start >= kept[-1].end:
            kept.append(region)
    return kept


_PLURAL = re.compile(r"(?:brow|lid|eye|cheek|nostril|wing|fold|line|corner)s\b")  # of what a face has on both sides
_COUNT = re.compile(
    r"(?<![\w.,])(?<!au )(?<!frame )(?<!unit )(?<!units )(\d{1,4}|three|four|five|six|seven|eight|nine|ten|twelve)"
    r"\s*(?:个|条|只|双|对|处)?\s*$"
)
_SPELLED = {"three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "twelve": 12}


def count_claims(sentence: Sentence, regions: list[Region]) -> Iterator[Claim]:
    """How many of a region there are said to be: “15 inner brows”."""
    for region in regions:
        told = _COUNT.search(sentence.text[sentence.start : region.start])
        if told and not sentence.supposed:
            count = _SPELLED.get(told[1]) or int(told[1])
            start = sentence.start + told.start(1)
            yield Claim(start, region.end, "count", names=region.names, side=region.side, value=count)


def region_claims(sentence: Sentence, regions: list[Region], groups: list[Units]) -> Iterator[Claim]:
    """Regions that are said to have moved, with the way, or to have stayed."""
    text = sentence.text
    for place, region in enumerate(regions):
        start, end = sentence.clause(region.start)
        if sentence.supposed or GENERAL.search(text, start, end):
            continue
        if any(sentence.start <= g.start < region.start and DEFINES.match(text, g.end) for g in groups):
            continue
        last = region  # “the cheeks and the mouth corners rose”: the verb stands behind the last of them
        for other in regions[place + 1 :]:
            if not re.fullmatch(r"[\s,]*(?:and|和|与|、)?\s*(?:the )?", text[last.end : other.start]):
                break
            last = other
        verb = _VERB.match(text, last.end, sentence.end)
        noun = _NOUN.search(text, start, region.start)
        if verb is None and noun is None:
            continue
        side = region.side or SIDE_WORDS.get((verb["side"] if verb else None) or "")
        side = side or ("both" if region.plural else None)
        if verb is None:
            ways = tuple(word.removesuffix("ward") for word in noun.groups() if word) if noun else ()
            yield Claim(region.start, region.end, "region", names=region.names, side=side, ways=ways)
            continue
        stop = min([one.start for one in regions if one.start >= verb.end()] + [sentence.end])
        cut = re.compile(r"[;:(。]|\d").search(text, verb.start(), stop)
        told = text[verb.start() : cut.start() if cut else stop]
        if _ONLY_WHILE.match(told):
            continue
        claim = Claim(region.start, verb.start() + len(told.rstrip(" ,")), "region", names=region.names, side=side)
        if verb["still"] or re.match(r"\s*(?:under|below) the noise", told):
            yield replace(claim, stance="no")
        else:
            yield replace(claim, ways=_ways(told))


def _ways(told: str) -> tuple[str, ...]:
    ways = []
    for found in _WAYS.finditer(told):
        ways.append(f"image:{found['image']}" if found["image"] else str(found.lastgroup))
    for found in _WAY_ZH.finditer(told):
        if found[1]:
            words = {"上": "up", "下": "down", "内": "in", "外": "out", "左": "left", "右": "right"}
            ways += [way for char, way in words.items() if char in found[1]]
        else:
            ways.append("up" if found[2] else "down" if found[3] else "in")
    return tuple(dict.fromkeys(ways))
