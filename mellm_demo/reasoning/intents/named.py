"""What a question names: action units, sides, regions, emotions, blinks and the like, colours."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from mellm_demo import facs
from mellm_demo.reasoning.intents.kinds import distinct
from mellm_demo.records import Side

_UNIT_NUMBERS = re.compile(
    r"(?:\baus?|action units?|动作单元|运动单元|(?<![a-z])au)\s*(?:no\.?|number|#|-|_)?\s*(\d{1,3}(?![\d.]*\s*(?:ms|"
    r"px|%))(?!\d)(?:\s*(?:,|and|or|&|\+|和|与|或|、|/)\s*(?:au\s*)?\d{1,3}(?!\d))*)|(?<!\d)(\d{1,3})\s*号(?:动作|"
    r"运动)?单元"
)
# Everyday words for what single action units do. Longer patterns first where one holds the other.
_UNIT_WORDS: tuple[tuple[str, str, tuple[int, ...]], ...] = (
    (r"\bsmil(?:e|es|ed|ing)\b|\bgrin", r"微笑|(?<!可)笑|嘴角(?:上扬|上翘|向上)", (12,)),
    (r"\bfrown", r"皱眉|蹙眉", (4,)),
    (
        r"\b(?:rais(?:e|es|ed|ing)|lift(?:s|ed|ing)?)\b.{0,12}\b(?:eye)?brows?\b|\b(?:eye)?brows?\b.{0,10}\b(?:rais|"
        r"lift|up\b|rise|rose|go up)",
        r"挑眉|扬眉|抬眉|眉毛(?:上扬|上抬|抬)",
        (1, 2),
    ),
    (r"\bwrinkl\w* .{0,12}nose|\bnose .{0,10}wrinkl|\bsneer", r"皱鼻|鼻子皱", (9,)),
    (r"\bsquint|\bnarrow\w* .{0,10}eyes|\beyes? narrow", r"眯眼|眯起", (7,)),
    (r"\bwiden\w* .{0,10}eyes|\beyes? (?:widen|wide)|\bwide eyes", r"瞪眼|睁大", (5,)),
    (r"\bpout|\bpucker|\bpurs\w+ .{0,10}lips", r"噘嘴|嘟嘴|撅嘴", (18,)),
    (r"\bpress\w* .{0,12}lips|\blips? (?:were |are )?press", r"抿嘴", (24,)),
    (r"\blips? (?:were |are )?(?:part|parted|open)", r"嘴唇(?:分开|张开)|双唇分开", (25,)),
    (
        r"\b(?:jaw|mouth) (?:\w+ )?(?:drop|open|fall)|\bopen\w* .{0,10}mouth",
        r"张嘴|张口|下巴(?:掉|下落)|下颌下",
        (25, 26),
    ),
    (r"\bsmirk|\bdimple", r"撇嘴|酒窝|冷笑", (14,)),
    (r"\b(?:lip|mouth) corners? .{0,12}(?:down|drop|fell)", r"嘴角(?:下垂|下拉|向下)", (15,)),
    (r"\bwink", r"单眼眨|使眼色", (46,)),
)
_EMOTION_WORDS: tuple[tuple[str, str, str], ...] = (
    (
        "happiness",
        r"\bhapp(?:y|ier|iness|ily)\b|\bjoy|\bpleas(?:ed|ure)\b|\bamus|\bdelight|\bglad\b",
        r"高兴|开心|快乐|愉快|喜悦|幸福|欢喜",
    ),
    ("sadness", r"\bsad|\bunhapp|\bgrief|\bsorrow", r"悲伤|难过|伤心|悲哀|忧伤|沮丧"),
    ("surprise", r"\bsurpris|\bastonish|\bstartl", r"惊讶|惊奇|吃惊|惊喜|意外"),
    ("fear", r"\bfear|\bafraid|\bscar(?:ed|y)\b|\bfright|\banxi|\bnervous|\bterrif", r"恐惧|害怕|惊恐|焦虑|紧张|恐慌"),
    ("anger", r"\bang(?:er|ry|rily)\b|\bmad\b|\bannoy|\bfuri|\brage\b|\birritat", r"愤怒|生气|发怒|恼怒|气愤|恼火"),
    ("disgust", r"\bdisgust|\brevuls|\brepuls", r"厌恶|恶心|反感|嫌恶"),
    ("contempt", r"\bcontempt|\bscorn|\bsmug|\bdisdain", r"轻蔑|蔑视|鄙视|不屑|藐视"),
    ("repression", r"\brepress|\bsuppress|\bheld back|\bholding back", r"压抑|抑制|克制|忍住"),
)
REGION_WORDS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (r"\binner (?:eye)?brows?", r"眉毛?内(?:端|侧)?|内眉|眉头", ("inner brow",)),
    (r"\bouter (?:eye)?brows?", r"眉毛?外(?:端|侧)?|外眉|眉梢|眉尾", ("outer brow",)),
    (
        r"(?<!inner )(?<!outer )(?<!inner eye)(?<!outer eye)\b(?:eye)?brows?\b|\bforehead",
        r"眉毛(?!内|外)|双眉|额头",
        ("inner brow", "outer brow"),
    ),
    (r"\bupper (?:eye)?lids?", r"上眼[睑皮]", ("upper lid",)),
    (r"\blower (?:eye)?lids?", r"下眼[睑皮]", ("lower lid",)),
    (
        r"(?<!upper )(?<!lower )\b(?:eye)?lids?\b|\beyes?\b(?! distance)",
        r"(?<!上)(?<!下)眼[睑皮]|眼睛|双眼",
        ("upper lid", "lower lid"),
    ),
    (r"\bcheeks?\b", r"面颊|脸颊|颧", ("cheek",)),
    (r"\bnostrils?|\bnose\b", r"鼻翼|鼻孔|鼻子", ("nostril wing",)),
    (r"\bnasolabial|\bsmile lines?", r"鼻唇沟|法令纹", ("nasolabial fold",)),
    (r"\b(?:mouth|lip) corners?|\bcorners? of the (?:mouth|lips?)", r"嘴角|口角", ("mouth corner",)),
    (r"\bupper lip", r"上(?:嘴)?唇", ("upper lip",)),
    (r"\blower lip", r"下(?:嘴)?唇", ("lower lip",)),
    (
        r"\bmouth\b(?! corner)|(?<!upper )(?<!lower )\blips?\b(?! corner)",
        r"嘴巴|嘴部|嘴唇|双唇",
        ("mouth corner", "upper lip", "lower lip"),
    ),
    (r"\bchin\b|\bjaw\b", r"下巴|下颌|颏", ("chin",)),
)
SPAN_WORDS: tuple[tuple[str, str], ...] = (
    ("blink", r"\bblink|眨眼|眨动"),
    ("speech", r"\bspeech|\bspeak|\btalk|\bchew|说话|讲话|言语|咀嚼"),
    ("head", r"\bhead\b|\bpose\b|\bturn(?:s|ed|ing)? away|头部|头动|转头|点头|摇头|姿态|姿势"),
)
COLOUR_WORDS: tuple[tuple[str, str], ...] = (  # a direction of facs.DIRECTIONS and the colour that stands for it
    ("right", r"\bred\b|红"),
    ("down-right", r"\borange|橙"),
    ("down", r"\byellow|黄"),
    ("down-left", r"(?<!yellow-)(?<!yellow )\bgreen|(?<!黄)绿"),
    ("left", r"\bcyan|\bturquoise|青"),
    ("up-left", r"\bblue\b|蓝"),
    ("up", r"\bpurple|\bviolet|紫"),
    ("up-right", r"\bmagenta|\bpink|粉|品红|洋红"),
)


def units_in(clause: str) -> tuple[tuple[int, ...], bool]:
    """Action units by number or by name, and whether a name or an everyday word was used."""
    numbers = [int(digits) for found in _UNIT_NUMBERS.finditer(clause) for digits in re.findall(r"\d+", found.group())]
    if numbers:
        return distinct(tuple(numbers)), False
    named: tuple[int, ...] = ()
    for name, au in unit_names():
        if name in clause:
            named += (au,)
            clause = clause.replace(name, " ")
    if named:
        return distinct(named), True
    for english, chinese, units in _UNIT_WORDS:
        if re.search(english, clause) or re.search(chinese, clause):
            named += units
    return distinct(named), True


@cache
def unit_names() -> tuple[tuple[str, int], ...]:
    """FACS names in both languages, longest first, so that “upper lip raiser” is not taken for another."""
    names: list[tuple[str, int]] = []
    for unit in facs.ACTION_UNITS:
        chinese = unicodedata.normalize("NFKC", unit.name_zh)
        names += [(name.casefold(), unit.number) for name in (unit.name, chinese, *re.split(r"[()]", chinese))]
    names += [("nostril dilater", 38), ("nostril compress", 39), ("lip press", 24), ("mouth corner puller", 12)]
    return tuple(sorted((pair for pair in names if len(pair[0]) > 1), key=lambda pair: -len(pair[0])))


def regions_in(clause: str) -> tuple[str, ...]:
    """The regions that are named, without their side."""
    found: tuple[str, ...] = ()
    for english, chinese, names in REGION_WORDS:
        if re.search(english, clause) or re.search(chinese, clause):
            found += names
    return distinct(found)


def emotions_in(clause: str) -> tuple[str, ...]:
    """The emotions that are named or described."""
    return tuple(
        name
        for name, english, chinese in _EMOTION_WORDS
        if re.search(english, clause) or re.search(chinese, clause) or facs.EMOTION_ZH[name] in clause
    )


def side_in(clause: str) -> Side | None:
    """The side that is named; None where none is, or both."""
    left = bool(re.search(r"\bleft\b|左", clause))
    right = bool(re.search(r"\bright\b(?! now)|右", clause))
    if left == right:
        return None
    return "left" if left else "right"
