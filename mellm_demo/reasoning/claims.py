"""A text about a clip → what it claims: action units, sides, regions and their ways, numbers, emotions, classes.

Pattern matching on English and Chinese; knows no analysis and judges nothing. Definitions, general knowledge, questions
and suppositions are no claims about the clip and are left out; so is whatever the patterns do not know. Left and right
are taken as the subject's. Every claim carries its place in the text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Literal

from mellm_demo import facs
from mellm_demo.reasoning.intents import REGION_WORDS, TRADITIONAL, unit_names
from mellm_demo.records import BothSides

Kind = Literal[
    "unit", "side", "region", "emotion", "class", "type", "px", "percent", "time", "duration", "fit", "ratio"
]
Stance = Literal["yes", "no", "weak"]  # weak: named as a possibility or as the lesser reading

MOST_CHARACTERS = 20_000  # of a text; patterns stay quick and nobody writes more about one clip
LONGEST_LINE = 800  # characters that are read as one; what belongs together stands closer


@dataclass(frozen=True)
class Claim:
    """One thing that a text says of the clip. Only the fields that its kind needs are filled."""

    start: int
    end: int
    kind: Kind
    stance: Stance = "yes"
    units: tuple[int, ...] = ()  # action units that it is about; for numbers: those in whose context it stands
    names: tuple[str, ...] = ()  # region names, any of which may be meant
    side: BothSides | None = None
    ways: tuple[str, ...] = ()  # up, down, out, in, left, right, or names like "image:up-right"
    value: float = 0.0  # px, per cent, ms, a share from 0 to 1, or a multiple
    upto: float | None = None  # the end of a stretch of time, ms
    slack: float = 0.0  # half a unit of the last digit that was told
    label: str = ""  # what a number is said to be: onset, apex, offset, lasted, noise, gap, iod, …
    word: str = ""  # emotion, class, micro or macro
    only: bool = False  # “on the left only”


def read(text: str) -> tuple[Claim, ...]:
    """All claims in a text, in their order."""
    plain = _plain(text[:MOST_CHARACTERS])
    found: list[Claim] = []
    for start, end in _spans(plain, r"\n"):
        while start < end:  # an endless line is read in pieces: time grows with the square of one
            cut = end if end - start <= LONGEST_LINE else max(plain.rfind(" ", start + 1, start + LONGEST_LINE), 0)
            cut = cut if cut > start else start + LONGEST_LINE
            found += _line(plain, start, cut)
            start = cut
    return tuple(sorted(dict.fromkeys(found), key=lambda claim: (claim.start, claim.end)))


def _plain(text: str) -> str:
    """The same length, lower case, simplified characters, half-width digits and signs, no emphasis marks."""
    text = text.translate(TRADITIONAL)
    told = []
    for char in text:
        folded = unicodedata.normalize("NFKC", char).lower()
        told.append(folded if len(folded) == 1 else char)
    plain = "".join(told).translate(str.maketrans("*_`#’‘—−", "    ''--"))
    # round brackets that hold nothing but an action unit are no break: “a smile (AU12) is not shown”
    return re.sub(r"\(([^()]*)\)", lambda found: f" {found[1]} " if _only_units(found[1]) else found[0], plain)


def _spans(text: str, breaks: str, start: int = 0, end: int | None = None) -> Iterator[tuple[int, int]]:
    end = len(text) if end is None else end
    for found in re.compile(breaks).finditer(text, start, end):
        if found.start() > start:
            yield start, found.start()
        start = found.end()
    if start < end:
        yield start, end


# --------------------------------------------------------------------------------------------- what counts as a claim

SENTENCE = r"\.(?=\s|$)|[。!！](?:\s|)"
CLAUSE = r"[;:()，]|(?<=[\u4e00-\u9fff)\d]),|,\s*(?=(?:but|while|whereas|although|so|which|none|neither)\b)"
SUPPOSED = re.compile(
    r"^\s*(?:if|whether|suppose|were (?:it|the))\b|\bwhether\b|\bif the\b|\bcannot be told\b"
    r"|\bcan(?:not|'t) (?:say|tell)"
    r"|\bcould not be told|\bwould (?:be|come|have|need|show)\b|\bto see (?:if|whether)|如果|假如|是否|若(?:是|要)"
    r"|无法(?:判断|得知|确定)|还是"
)
GENERAL = re.compile(
    r"\busual|\btypical|\bin general\b|\bgenerally|\bby definition|\brefers? to|\b(?:is|are) called|\bmeans\b"
    r"|\bstands? for|\bcasme|\bsamm\b|\bcorpora|\bcorpus|\bpattern|\bprototyp|\btied to|\bassociated with"
    r"|(?<!could )(?<!may )(?<!might )\bbelongs? to|\bgoes by|\blooks? for|\bconfus|\bmistaken|\btell (?:it|them) from"
    r"|\bnot among|\bfor example|\be\.g|\bsuch as|, say,|\brather seen with|\bcan take part|\bas in an?\b|\boften\b"
    r"|通常|一般(?:来说|而言)?|典型|是指|指的是|定义|编码|归为|相关|混淆|区分开|检测的有|检测这个|不在|例如|比如"
    r"|更常见|为依据|的依据|语料|常见于"
)
HEDGE = re.compile(
    r"\b(?:may|might|could|possib\w+|perhaps|conceivabl\w+|less (?:well )?(?:supported|likely)|weaker|alternativ\w+"
    r"|not (?:be )?(?:ruled out|excluded)|also)\b|可能|也许|或许|不能排除|不排除|无法排除|较弱|次要|其次"
)
SHOWN = re.compile(
    r"[\s,)]*(?:is|are|was|were)?\s*(?:both |also |clearly )*(?:shown|present|visible|active|seen|here)\b"
    r"|[\s,)]*(?:均|都|已)*(?:已出现|出现了|全部出现|出现)"
)
NOT_AFTER = re.compile(
    r"[\s,:)]*(?:(?:is|are|was|were|does|do|did|has|have)\s+(?:both |clearly )?not\b(?! (?:be )?(?:ruled|excluded))"
    r"|(?:is|are|was|were|does|do|did)n't\b|(?:is |are |was |were )?(?:missing|absent|excluded|ruled out|unsupported)\b"
    r"|not\b|没有|未(?!必)|不存在|缺失|并没有|并未|不成立|被排除|都没有|不支持)"
)
NOT_BEFORE = re.compile(
    r"(?:\b(?:no|not(?! only)|without|neither|nor|lack(?:s|ing)?|rather than|instead of|none of|excludes?|rules? out"
    r"|absence of)|n't)\s+(?:[a-z]+\s+){0,3}$"
    r"|(?:没有(?:出现|发现|检测到|看到|显示|认定)?|未(?:见|出现|发现|检测到|显示|认定)|并无|缺少|缺乏|不是|并非|而非|不支持"
    r"|不包括|不包含|不指向|不像|不属于|(?<!不能)(?<!无法)(?<!不)排除了?)[^,，。;、与和把\d]{0,6}$"
)
DEFINES = re.compile(
    r"(?:[\s,):]|say,)*(?:pulls|raises|lowers|lifts|draws|tightens|wrinkles|deepens|pinches|pushes|stretches|presses"
    r"|parts|lets|opens|rolls|widens|narrows|closes|moves a|(?:is|=|means|refers to|denotes) (?:the|an?|called)\b"
    r"|把|使|抬高|提起|收紧|皱起|加深|上眼睑|双眼|单眼|大幅|是指|指的?是|即|是)"
)
YES_NO = {"yes": "yes", "no": "no", "有": "yes", "是": "yes", "是的": "yes", "没有": "no", "否": "no", "不是": "no"}


@dataclass(frozen=True)
class _Sentence:
    text: str  # the whole plain text
    start: int
    end: int
    supposed: bool  # no claim about action units, emotions or the type
    answered: str  # "yes" or "no" where the sentence before is nothing else

    def clause(self, place: int) -> tuple[int, int]:
        return next(((a, b) for a, b in self.clauses if a <= place < b), (self.start, self.end))

    @cached_property
    def clauses(self) -> tuple[tuple[int, int], ...]:
        return tuple(_spans(self.text, CLAUSE, self.start, self.end))

    def general(self, place: int) -> bool:
        start, end = self.clause(place)
        return bool(GENERAL.search(self.text, start, end))


@dataclass(frozen=True)
class _Region:
    start: int
    end: int
    names: tuple[str, ...]
    side: BothSides | None


@dataclass(frozen=True)
class _Units:
    start: int
    end: int
    units: tuple[int, ...]
    named: bool = False  # by name, without its number


def _line(text: str, start: int, end: int) -> list[Claim]:
    """Claims of one line. What a number belongs to is the last thing named before it in the line."""
    claims: list[Claim] = []
    groups = _groups(text, start, end)
    regions = _regions(text, start, end, groups)
    answered = ""
    for first, last in _spans(text, SENTENCE, start, end):
        said = text[first:last].strip(" -,")
        question = said.endswith("?")
        sentence = _Sentence(text, first, last, question or bool(SUPPOSED.search(text[first:last])), answered)
        answered = YES_NO.get(said, "")
        claims += _unit_claims(sentence, [one for one in groups if first <= one.start < last])
        claims += _region_claims(sentence, [one for one in regions if first <= one.start < last], groups)
        claims += _emotion_claims(sentence)
        claims += _class_claims(sentence)
        claims += _type_claims(sentence)
        if not question:
            claims += _numbers(sentence, groups, regions, start)
            claims += _sides(sentence, groups, regions)
    return claims


# --------------------------------------------------------------------------------------------- action units

_CODE = re.compile(
    r"(?<![a-z])(?:aus?|action units?|动作单元|运动单元)\s*[-#]?\s*(\d{1,2})(?!\d)(?!\.\d)(?!\s*(?:ms|px|%|个|种))"
    r"((?:\s*(?:\+|,|、|/|和|and)\s*\d{1,2}(?![\d.]|\s*(?:ms|px|%|s\b|秒|毫秒|像素|个|种)))*)"
)
_JOIN = re.compile(r"[\s,、/+&()]*(?:and|or|nor|as well as|和|与|或|及|以及)?[\s(]*(?:the )?")
_EVENTS = frozenset({43, 45, 46})  # their names are words for what eyes do anyway


@cache
def _names() -> re.Pattern[str]:
    names = [name.lower() for name, au in unit_names() if au not in _EVENTS]
    return re.compile("|".join(rf"\b{re.escape(n)}\b" if n.isascii() else re.escape(n) for n in names))


def _number_of(name: str) -> int:
    return next(au for known, au in unit_names() if known.lower() == name)


def _only_units(inside: str) -> bool:
    rest = _names().sub("", _CODE.sub("", inside))
    return rest != inside and not re.search(r"[^\s,+、和与]", rest)


def _groups(text: str, start: int, end: int) -> list[_Units]:
    """Action units named side by side, as one: “AU4 and AU7”, “AU12, lip corner puller”."""
    found = [
        _Units(one.start(), one.end(), tuple(int(digits) for digits in re.findall(r"\d+", one.group())))
        for one in _CODE.finditer(text, start, end)
    ]
    found += [
        _Units(one.start(), one.end(), (_number_of(one.group()),), True) for one in _names().finditer(text, start, end)
    ]
    found.sort(key=lambda one: one.start)
    groups: list[_Units] = []
    for one in found:
        again = groups and not one.named and set(one.units) & set(groups[-1].units)  # “AU4 + AU5, AU4 is shown”
        if groups and not again and one.start >= groups[-1].end and _JOIN.fullmatch(text, groups[-1].end, one.start):
            units = tuple(dict.fromkeys((*groups[-1].units, *one.units)))
            groups[-1] = _Units(groups[-1].start, one.end, units, groups[-1].named and one.named)
        elif not groups or one.start >= groups[-1].end:
            groups.append(one)
    return groups


def _unit_claims(sentence: _Sentence, groups: list[_Units]) -> Iterator[Claim]:
    text, defined = sentence.text, False
    for place, group in enumerate(groups):
        if defined and group.named:
            continue
        before_from = groups[place - 1].end if place else sentence.start
        start, end = sentence.clause(group.start)
        before = text[max(before_from, start) : group.start]
        stance: Stance = "yes"
        if NOT_AFTER.match(text, group.end, sentence.end) or NOT_BEFORE.search(before):
            stance = "no"
        elif SHOWN.match(text, group.end, sentence.end):
            stance = "yes"
        elif DEFINES.match(text, group.end, sentence.end) and len(group.units) == 1:
            defined = True
            if not sentence.answered:
                continue
            stance = "no" if sentence.answered == "no" else "yes"
        elif GENERAL.search(text, start, end) and not re.search(r"\bcomplete\b|全部出现", text[start:end]):
            continue
        if sentence.supposed and not sentence.answered:
            continue
        if stance == "no" and GENERAL.search(text, max(before_from, start), group.start):
            continue
        for au in group.units:
            yield Claim(group.start, group.end, "unit", stance, units=(au,))


_SIDED = re.compile(
    r"\b(?:on|at|of)?\s*(?:the |its |their )?(?:subject's )?(left|right)(?:[ -]side(?:d)?)?\b"
    r"(?!\s*(?:and|or) (?:left|right))"
    r"|\b(both sides|bilateral(?:ly)?|on both)\b|(左侧|右侧|左边|右边|左|右)|(双侧|两侧|两边)"
    r"|\b(one[- ]sided|unilateral(?:ly)?|on one side)\b|(单侧|一侧)"
)


def _sides(sentence: _Sentence, groups: list[_Units], regions: list[_Region]) -> Iterator[Claim]:
    """Sides said of action units: right before one, or after it with no region between."""
    text = sentence.text
    for found in _SIDED.finditer(text, sentence.start, sentence.end):
        start, end = sentence.clause(found.start())
        if sentence.supposed or GENERAL.search(text, start, end) or NOT_BEFORE.search(text, start, found.start()):
            continue
        if any(one.start <= found.start() < one.end for one in regions) or _in_picture(text, found.end()):
            continue
        after = next((one for one in groups if 0 <= one.start - found.end() <= 1), None)
        last = max((one for one in groups if one.end <= found.start()), key=lambda one: one.start, default=None)
        if after is None and (last is None or text.find("\n", last.end, found.start()) >= 0):
            continue
        group = after or last
        if group is None or (not after and any(group.end <= one.start < found.start() for one in regions)):
            continue
        # “AU12: 2.1 px, right 1.9 px” is about the number; “AU12: 2.1 px, on the right” about the unit
        counted = re.search(r"\d", text[group.end : found.start()]) and not re.match(r"\s*(?:on|在)", found.group())
        if counted and after is None:
            continue
        if NOT_AFTER.match(text, group.end, sentence.end) or re.search(
            r"neither|都不", text[group.end : found.start()]
        ):
            continue
        word = found.group().strip()
        side: BothSides = "both" if found[2] or found[4] else ("left" if re.search(r"left|左", word) else "right")
        one_sided = bool(found[5] or found[6])
        tail = text[found.end() : found.end() + 14]
        yield Claim(
            found.start(),
            found.end(),
            "side",
            units=group.units,
            side=None if one_sided else side,
            only=one_sided or bool(re.match(r"\s*(?:side )?(?:only|alone)", tail)),
        )


def _in_picture(text: str, place: int) -> bool:
    return bool(re.match(r"\s*(?:of|in) the (?:picture|image)|\s*of the face crop", text[place : place + 24]))


# --------------------------------------------------------------------------------------------- regions

_SIDE_WORDS: dict[str, BothSides] = {
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
_NOUN = re.compile(
    r"\b(upward|downward|outward|inward)s? (?:and (upward|downward|outward|inward)s? )?"
    r"(?:movement|motion|displacement|shift|pull|lift|raise) (?:of|in|at) (?:the )?(?:subject's )?$"
)


def _regions(text: str, start: int, end: int, groups: list[_Units]) -> list[_Region]:
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
                found.append(_Region(one.start(), one.end(), names, _SIDE_WORDS.get(one[1] or one[2] or "")))
    found.sort(key=lambda one: (one.start, -one.end))
    kept: list[_Region] = []
    for region in found:
        if not kept or region.start >= kept[-1].end:
            kept.append(region)
    return kept


def _region_claims(sentence: _Sentence, regions: list[_Region], groups: list[_Units]) -> Iterator[Claim]:
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
        side = region.side or _SIDE_WORDS.get((verb["side"] if verb else None) or "")
        if verb is None:
            ways = tuple(word.removesuffix("ward") for word in noun.groups() if word) if noun else ()
            yield Claim(region.start, region.end, "region", names=region.names, side=side, ways=ways)
            continue
        stop = min([one.start for one in regions if one.start >= verb.end()] + [sentence.end])
        cut = re.compile(r"[;:(。]|\d").search(text, verb.start(), stop)
        told = text[verb.start() : cut.start() if cut else stop]
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


# --------------------------------------------------------------------------------------------- emotions and classes

_EMOTIONS: tuple[tuple[str, str], ...] = (
    ("happiness", r"\bhapp(?:y|iness)\b|\bjoy(?:ful)?\b|\bamus(?:ed|ement)\b|\bdelight\w*|高兴|快乐|开心|愉快|喜悦"),
    ("sadness", r"\bsad(?:ness)?\b|\bsorrow\w*|\bgrief\b|悲伤|难过|伤心|悲哀"),
    ("surprise", r"\bsurprise[d]?\b|\bsurprising\b|\bastonish\w*|惊讶|吃惊|惊奇"),
    ("fear", r"\bfear(?:ful)?\b|\bafraid\b|\bscared\b|\banxiety\b|\banxious\b|恐惧|害怕|惊恐"),
    ("anger", r"\banger\b|\bangry\b|\birritat\w+|\bannoy\w+|愤怒|生气|恼怒"),
    ("disgust", r"\bdisgust(?:ed)?\b|厌恶|恶心|反感"),
    ("contempt", r"\bcontempt(?:uous)?\b|\bscorn\b|\bdisdain\b|轻蔑|蔑视|不屑|鄙视"),
    ("repression", r"\brepress(?:ion|ed)\b|\bsuppress(?:ion|ed) (?:emotion|feeling)|压抑"),
)
_CLASS_CONTEXT = re.compile(r"\bclass(?:es)?\b|\bshares?\b|\bvalence\b|份额|分类|类别")
_CLASSES: tuple[tuple[str, str], ...] = (
    ("negative", r"\bnegative\b|消极|负面"),
    ("positive", r"\bpositive\b|积极|正面"),
    ("surprise", r"\bsurprise\b|惊讶"),
)
_OF_A_CLASS = re.compile(
    r"(?P<en>negative|positive) (?:micro-?)?(?:expression|emotion|feeling|affect)"
    r"|(?P<zh>消极|负面|积极|正面)的?(?:微?表情|情绪)"
)
_ABOUT = re.compile(r"(?:\bfor|关于|支持)\s*$")


def _emotion_claims(sentence: _Sentence) -> Iterator[Claim]:
    text, start = sentence.text, sentence.start
    classes = bool(_CLASS_CONTEXT.search(text, start, sentence.end))
    for name, pattern in _EMOTIONS:
        for found in re.compile(pattern).finditer(text, start, sentence.end):
            first, last = sentence.clause(found.start())
            before, after = text[first : found.start()], text[found.end() : last]
            if sentence.supposed or (classes and name == "surprise") or GENERAL.search(text, first, last):
                continue
            if re.search(r"nothing to go by|没有(?:支持的)?依据", text[start : sentence.end]):
                continue
            stance: Stance = "yes"
            listed = not text[text.rfind("\n", 0, start) + 1 : found.start()].strip(" -•") and after[:1] in (":", "")
            if re.search(r"(?:不能|无法|不)排除\s*$", before) or re.match(
                r"\s*(?:is|was)? ?not (?:be )?(?:ruled out)", after
            ):
                stance = "weak"
            elif (
                NOT_BEFORE.search(before) or NOT_AFTER.match(after) or re.search(r"(?:rather|instead) than\s*$", before)
            ):
                stance = "no"
            elif listed or _ABOUT.search(before) or HEDGE.search(text, start, last):
                stance = "weak"
            yield Claim(found.start(), found.end(), "emotion", stance, word=name)


def _class_claims(sentence: _Sentence) -> Iterator[Claim]:
    text, start, end = sentence.text, sentence.start, sentence.end
    if sentence.supposed:
        return
    for found in _OF_A_CLASS.finditer(text, start, end):
        first, last = sentence.clause(found.start())
        if not GENERAL.search(text, first, last):
            word = found["en"] or {"消": "negative", "负": "negative"}.get(found.group()[0], "positive")
            stance: Stance = "no" if NOT_BEFORE.search(text, first, found.start()) else "yes"
            yield Claim(found.start(), found.end(), "class", stance, word=word)
    if not _CLASS_CONTEXT.search(text, start, end):
        return
    mentions = sorted(
        (one.start(), one.end(), name)
        for name, pattern in _CLASSES
        for one in re.compile(pattern).finditer(text, start, end)
    )
    for place, (first, last, name) in enumerate(mentions):
        stop = mentions[place + 1][0] if place + 1 < len(mentions) else end
        after = text[last:stop]
        share = re.search(r"(?<![\d.])([01]\.\d+)", after)
        if share:
            digits = len(share[1].partition(".")[2])
            yield Claim(first, last + share.end(), "fit", value=float(share[1]), slack=_half(digits), word=name)
        best = re.match(r"\s*(?:has|takes) the largest|\s*所占份额最大|\s*,\s*(?:with )?(?:a )?(?:share|份额)", after)
        named = re.search(r"(?:class|分类|类别)(?: is|:|为|是)\s*$", text[start:first])
        if best or named:
            yield Claim(first, last, "class", word=name)


_TYPE = re.compile(
    r"\b(?:it|this|that|which|movement|motion|expression|event)\s+(?:is|was|counts as|qualifies as|makes it)\s+"
    r"(?:indeed |clearly )?(?P<not>not )?(?:an? )?(?:\w+ )?(?P<en>micro|macro)-? ?expression"
    r"|^\s*an? (?P<by>micro|macro)-? ?expression, by|(?P<nozh>不|并非)?(?:属于|是|为)(?:一次|一个)?(?P<zh>微|宏)表情"
    r"|\b(?P<none>no) (?:reliable )?(?P<en2>micro|macro)-? ?expression|没有(?:发现)?(?:可靠的)?(?P<none_zh>微|宏)表情"
    r"|\ban? (?:reliable |brief )?(?P<en3>micro|macro)-? ?expression (?:was|is) (?:found|detected|present)"
)


def _type_claims(sentence: _Sentence) -> Iterator[Claim]:
    if sentence.supposed:
        return
    for found in _TYPE.finditer(sentence.text, sentence.start, sentence.end):
        if sentence.general(found.start()):
            continue
        named = found.groupdict()
        word = next(named[key] for key in ("en", "by", "zh", "en2", "none_zh", "en3") if named[key])
        denied = any(named[key] for key in ("not", "nozh", "none", "none_zh"))
        kind = "macro" if word in ("macro", "宏") else "micro"
        yield Claim(found.start(), found.end(), "type", "no" if denied else "yes", word=kind)


# --------------------------------------------------------------------------------------------- numbers

_PX, _PERCENT, _MS, _S = (
    r"px\b|pixels?\b|像素",
    r"%|per ?cent\b",
    r"ms\b|milliseconds?\b|毫秒",
    r"s\b|sec(?:onds?)?\b|秒",
)
_NUMBER = re.compile(
    rf"(?<![\w./])(\d+(?:\.\d+)?)(?:\s*(?:-|–|~|to|至|到)\s*(\d+(?:\.\d+)?))?\s*(?:({_PX})|({_PERCENT})|({_MS})|({_S}))(?!/)"
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
_MORE = re.compile(r"more than|longer than|over\b|above|exceed|at least|超过|长于|至少")


def _half(digits: int) -> float:
    """Half a unit of the last digit told, and a hair for rounding."""
    return 0.502 * 10.0**-digits


def _numbers(sentence: _Sentence, groups: list[_Units], regions: list[_Region], line: int) -> Iterator[Claim]:
    text = sentence.text
    paired: set[int] = set()
    for found in _FROM_TO.finditer(text, sentence.start, sentence.end):
        first, last = (_ms(found[value], found[unit]) for value, unit in ((1, 2), (3, 4)))
        slack = _half(_digits(found[1])) * (1000.0 if found[2][0] in "s秒" else 1.0)
        paired |= {found.start(1), found.start(3)}
        yield Claim(found.start(), found.end(), "time", value=first, upto=last, slack=slack)
    for found in _NUMBER.finditer(text, sentence.start, sentence.end):
        before = text[line : found.start()]
        if found.start() in paired or _NOT_MEASURED.search(before) or _OF_THE_CROP.match(text, found.end()):
            continue
        claim = Claim(found.start(), found.end(), "px", value=float(found[1]), slack=_half(_digits(found[1])))
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
        slack = _half(_digits(found[1]))
        yield Claim(found.start(), found.end(), "fit", units=near, value=float(found[1]), slack=slack)
    for found in _FIT_OF_CODE.finditer(text, sentence.start, sentence.end):
        slack = _half(_digits(found[2]))
        yield Claim(found.start(), found.end(), "fit", units=(int(found[1]),), value=float(found[2]), slack=slack)
    for found in _RATIO.finditer(text, sentence.start, sentence.end):
        if re.search(r"noise|噪声", text[sentence.start : sentence.end]) and not re.match(
            r"\s*\d", text[found.end() :]
        ):
            slack = _half(_digits(found[1]))
            yield Claim(found.start(), found.end(), "ratio", value=float(found[1]), slack=slack)


def _digits(number: str) -> int:
    return len(number.partition(".")[2])


def _ms(number: str, unit: str) -> float:
    return float(number) * (1000.0 if unit[0] in "s秒" else 1.0)


def _in_context(claim: Claim, sentence: _Sentence, groups: list[_Units], regions: list[_Region]) -> Claim:
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
        side = _SIDE_WORDS[bare[-1][0] or bare[-1][1]] if bare else region.side
        return replace(claim, names=region.names, side=side, units=group.units if group else ())
    return replace(claim, units=group.units) if group else claim


def _px(claim: Claim, sentence: _Sentence, before: str) -> Claim:
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


def names_of(units: tuple[int, ...]) -> tuple[str, ...]:
    """Region names that define these action units."""
    known = (facs.AU_BY_NUMBER.get(au) for au in units)
    return tuple(one.region.replace("_", " ") for unit in known if unit for one in unit.expectations)
