"""Words and numbers for what was measured, in English and Chinese: sides, regions, directions, action units, times.

Turns single measurements into phrases; makes no sentence of its own and decides nothing. Left and right are the
subject's. Directions are told from the face, not from the picture: up, down, outwards (away from the midline), inwards.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Literal

from mellm_demo.facs import EMOTION_ZH, REGION_ZH, SIDE_ZH
from mellm_demo.records import NETWORK, ActionUnitEvidence, BothSides, EmotionHypothesis, RegionMotion, Side

NAME_CHARS = 120  # of a file's name as it is shown

Language = Literal["en", "zh"]

HAN = "\u4e00-\u9fff"  # the block of common Chinese characters, for regular expressions
CALIBRATED_FROM = 0.5  # F1 of the head from which its word makes a probability of the rules' fit
OCTANT_SLOPE = 0.4142  # tan 22.5°: a component smaller than this share of the other is not worth a word


@dataclass(frozen=True)
class Moved:
    """How to say that an action unit moved a part of the face. ``plural`` is None for parts on the midline."""

    singular: str
    plural: str | None
    verb: str  # simple past, the same for one and for two
    noun_zh: str
    verb_zh: str


MOVED: dict[int, Moved] = {
    1: Moved("inner brow", "inner brows", "rose", "眉头", "上抬"),
    2: Moved("outer brow", "outer brows", "rose", "眉梢", "上抬"),
    4: Moved("brow", "brows", "came down and inwards", "眉毛", "下压并向内聚拢"),
    5: Moved("upper lid", "upper lids", "rose", "上眼睑", "上抬"),
    6: Moved("cheek", "cheeks", "rose", "脸颊", "上抬"),
    7: Moved("lower lid", "lower lids", "tightened upwards", "下眼睑", "绷紧上移"),
    9: Moved("nostril wing", "nostril wings", "rose", "鼻翼", "上提"),
    10: Moved("upper lip", None, "rose", "上唇", "上提"),
    11: Moved("nasolabial fold", "nasolabial folds", "rose", "鼻唇沟", "上提"),
    12: Moved("lip corner", "lip corners", "rose", "嘴角", "上扬"),
    13: Moved("lip corner", "lip corners", "rose steeply", "嘴角", "陡直上提"),
    14: Moved("lip corner", "lip corners", "drew in", "嘴角", "向内收紧"),
    15: Moved("lip corner", "lip corners", "went down", "嘴角", "下拉"),
    16: Moved("lower lip", None, "went down", "下唇", "下压"),
    17: Moved("chin", None, "rose", "下巴", "上提"),
    18: Moved("mouth", None, "puckered", "双唇", "撅起"),
    20: Moved("lip corner", "lip corners", "stretched outwards", "嘴角", "向外拉伸"),
    22: Moved("mouth", None, "funnelled forward", "双唇", "前伸成漏斗状"),
    23: Moved("mouth", None, "tightened", "双唇", "收紧"),
    24: Moved("mouth", None, "pressed shut", "双唇", "紧闭"),
    25: Moved("mouth", None, "parted", "双唇", "分开"),
    26: Moved("jaw", None, "dropped", "下颌", "下落"),
    27: Moved("mouth", None, "stretched wide open", "嘴", "大张"),
    28: Moved("mouth", None, "rolled its lips in", "双唇", "内卷"),
    38: Moved("nostril wing", "nostril wings", "widened", "鼻翼", "张开"),
    39: Moved("nostril wing", "nostril wings", "narrowed", "鼻翼", "收缩"),
    43: Moved("eye", "eyes", "closed", "眼睛", "闭合"),
    45: Moved("eyelid", "eyelids", "blinked", "眼睑", "眨动"),
    46: Moved("eyelid", "eyelids", "winked", "眼睑", "单侧眨动"),
}


# ---------------------------------------------------------------------------------------------- numbers


def number(value: float, digits: int = 1) -> str:
    """A decimal number; never “-0.0”, and a dash where there is no number."""
    if not isfinite(value):
        return "–"
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if not text.strip("-0.") else text


def digits_apart(*values: float) -> int:
    """1 decimal, or as many as are needed (3 at most) to tell different values apart."""
    for digits in (1, 2):
        if len({number(value, digits) for value in values}) == len(set(values)):
            return digits
    return 3


def seconds(ms: float) -> str:
    """A point in time, in s: “1.24”."""
    return number(ms / 1000.0, 2)


def duration(ms: float, language: Language = "en") -> str:
    """A stretch of time: “180 ms”, from one second on “1.1 s”."""
    if ms < 1000.0:
        return f"{number(ms, 0)} {'ms' if language == 'en' else '毫秒'}"
    return f"{number(ms / 1000.0, 1)} {'s' if language == 'en' else '秒'}"


def tidy_codes(text: str) -> str:
    """Action units written one way: “AU 5 + 26” → “AU5 + AU26”."""
    return re.sub(
        r"\bAU ?(\d+(?: ?\+ ?\d+)*)", lambda found: " + ".join(f"AU{au}" for au in re.findall(r"\d+", found[1])), text
    )


def joined(parts: list[str], language: Language = "en", last: str = "and") -> str:
    """“a, b and c”, “a、b和c”."""
    if language == "zh":
        return "、".join(parts[:-1]) + "和" + parts[-1] if len(parts) > 1 else "".join(parts)
    return ", ".join(parts[:-1]) + f" {last} " + parts[-1] if len(parts) > 1 else "".join(parts)


# ---------------------------------------------------------------------------------------------- the face


def region(name: str, side: Side | BothSides | None, language: Language = "en") -> str:
    """“left mouth corner”, “both mouth corners”, “chin”; “左侧嘴角”, “双侧嘴角”, “下巴”."""
    if language == "zh":
        return SIDE_ZH.get(side or "", "") + REGION_ZH.get(name, name)
    if side == "both":
        return f"both {name}s"
    return f"{side} {name}" if side else name


def directions(motion: RegionMotion) -> tuple[str, str]:
    """Vertical and horizontal part of a motion: ("up" | "down" | "", "out" | "in" | "left" | "right" | "").

    Regions on the midline go to the subject's left or right, the others outwards or inwards.
    """
    u, v = motion.u_px, motion.v_px
    vertical = "" if abs(v) < OCTANT_SLOPE * abs(u) or v == 0 else ("up" if v < 0 else "down")
    if abs(u) < OCTANT_SLOPE * abs(v) or u == 0:
        return vertical, ""
    towards_left = u > 0  # an unmirrored picture: the subject's left is at the right
    if motion.side is None:
        return vertical, "left" if towards_left else "right"
    return vertical, "out" if towards_left == (motion.side == "left") else "in"


_HORIZONTAL_EN = {
    "out": "outwards",
    "in": "inwards",
    "left": "towards the subject's left",
    "right": "towards the subject's right",
}
_HORIZONTAL_ZH = {"out": "外", "in": "内", "left": "本人左侧", "right": "本人右侧"}
_VERTICAL_ZH = {"up": "上", "down": "下"}


def direction(motion: RegionMotion, language: Language = "en") -> str:
    """“up and outwards”; “向外上方”."""
    vertical, horizontal = directions(motion)
    if language == "en":
        return " and ".join(part for part in (vertical, _HORIZONTAL_EN.get(horizontal, "")) if part) or "in place"
    if horizontal in ("left", "right"):
        lateral = f"向{_HORIZONTAL_ZH[horizontal]}"
        return f"{lateral}并向{_VERTICAL_ZH[vertical]}" if vertical else lateral
    if vertical and horizontal:
        return f"向{_HORIZONTAL_ZH[horizontal]}{_VERTICAL_ZH[vertical]}方"
    one = _VERTICAL_ZH.get(vertical) or _HORIZONTAL_ZH.get(horizontal)
    return f"向{one}" if one else "原位"


def part(au: int, name: str, side: BothSides, language: Language = "en") -> str:
    """The part of the face that an action unit moves, with its side: “both lip corners”, “左侧嘴角”."""
    moved = MOVED.get(au)
    if moved is None:
        return f"the region of AU{au} ({name.lower()})" if language == "en" else f"AU{au} 对应的区域"
    if language == "zh":
        if moved.plural is None:
            return moved.noun_zh if side == "both" else f"{moved.noun_zh}的{SIDE_ZH[side]}"
        return SIDE_ZH[side] + moved.noun_zh
    if moved.plural is None:
        return f"the {moved.singular}" if side == "both" else f"the {side} part of the {moved.singular}"
    return f"both {moved.plural}" if side == "both" else f"the {side} {moved.singular}"


def verb(au: int, language: Language = "en") -> str:
    """What an action unit makes its part do, in the past: “rose”, “上扬”."""
    moved = MOVED.get(au)
    if moved is None:
        return "moved" if language == "en" else "移动"
    return moved.verb if language == "en" else moved.verb_zh


def scale(unit: ActionUnitEvidence) -> Literal["probability", "fit"]:
    """What the number of an action unit is: rules know how well motion fits, the calibrated head how probable it is.

    What the head reads poorly it hardly changes, so that the number stays the rules' fit.
    """
    heard = any(witness.name == NETWORK for witness in unit.witnesses)
    return "probability" if heard and (unit.reliability or 0.0) >= CALIBRATED_FROM else "fit"


SCALE_ZH = {"probability": "概率", "fit": "吻合度"}


# ---------------------------------------------------------------------------------------------- readings

CLOSE_CALL = 0.8  # a second reading with this share of the best one's support is named beside it
FAINT_SUPPORT = 0.2  # below this no reading is named


def readings(emotions: tuple[EmotionHypothesis, ...]) -> tuple[EmotionHypothesis, ...]:
    """The readings worth naming: none, the best, or the best two where the motion does not decide between them."""
    if not emotions or emotions[0].support < FAINT_SUPPORT:
        return ()
    close = [one for one in emotions[1:2] if one.support >= CLOSE_CALL * emotions[0].support]
    return (emotions[0], *close)


def emotion(name: str, language: Language = "en") -> str:
    """An emotion's name in the language asked for."""
    return name if language == "en" else EMOTION_ZH.get(name, name)


def sign_of(names: Sequence[str], *, brief: bool, smile: bool, language: Language = "en") -> str:
    """“a brief smile”, “a sign of anger or disgust”; “一次短暂的微笑”, “愤怒或厌恶的迹象”."""
    if list(names) == ["happiness"] and smile:
        if language == "zh":
            return "一次短暂的微笑" if brief else "一次微笑"
        return "a brief smile" if brief else "a smile"
    if language == "zh":
        alternatives = "或".join(emotion(name, "zh") for name in names)
        return f"短暂的{alternatives}迹象" if brief else f"{alternatives}的迹象"
    return f"a {'brief ' if brief else ''}sign of {joined(list(names), last='or')}"


def file_name(name: str) -> str:
    """A file's name, fit to be shown: no folders, nothing that steers a terminal or turns the direction of writing.

    Up to NAME_CHARS characters, the ending kept.
    """
    last = re.split(r"[/\\]", name.rstrip("/\\"))[-1]
    told = printable(last).replace("\n", "�").strip()
    if len(told) > NAME_CHARS:
        stem, dot, ending = told.rpartition(".")
        ending = f"{dot}{ending}" if stem and len(ending) <= 8 else ""
        told = f"{told[: NAME_CHARS - 1 - len(ending)]}…{ending}"
    return told if told.strip(".") else "unnamed"


_JOINERS = {"\u200c", "\u200d"}  # join and part letters, and make one picture of several
_JOINED = re.compile(  # what may stand before one: Arabic, Indic and South-East Asian letters, and pictures
    "[\u0600-\u08ff\u0900-\u0dff\u1000-\u109f\u1780-\u18af\ufb50-\ufdff\ufe0f\ufe70-\ufefc\u20e3\u2190-\u2bff"
    "\U0001f000-\U0001faff]"
)
_LINE_BREAKS = {"\u2028", "\u2029"}


def legible(text: str, after: str = "", instead: str = "") -> str:
    """What visitors and models write, fit for page, terminal and file: nothing in it steers these or hides.

    Control characters but line break and tab go, so do those that turn the direction of writing or have no width, and
    half surrogates. Joiners stay where letters or pictures need them. A text that comes in pieces is the same in the
    end: ``after`` is what came before this one. ``instead`` takes the place of what goes.
    """
    kept, before = [], after[-1:]
    for one in text:
        if one in _LINE_BREAKS:
            one = "\n"
        elif one in _JOINERS:
            one = one if _JOINED.match(before) else instead
        elif unicodedata.category(one) in ("Cc", "Cf", "Cs") and one not in "\n\t":
            one = instead
        kept.append(one)
        before = one or before
    return "".join(kept)


def printable(text: str) -> str:
    """Control and format characters, and half surrogates, replaced by “�”; line breaks stay."""
    return "".join(
        "�" if unicodedata.category(one) in ("Cc", "Cf", "Cs", "Zl", "Zp") and one != "\n" else one for one in text
    )
