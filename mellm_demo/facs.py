"""FACS as data: facial regions on MediaPipe's 478-point mesh, directions, action units, emotions. No pixels here.

Left and right are the subject's. Mesh indices: MediaPipe's canonical face mesh.
Sources of the tables, by the letters used below. CK: Cohn-Kanade manual; MA: Molecular Autism 2021, s13229-021-00430-0,
table 2 (muscles); D17: Davison et al. 2017, objective classes; Y14: Yan et al. 2014, CASME II.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mellm_demo.records import Side


@dataclass(frozen=True)
class Region:
    """A patch of skin that moves as one. ``mesh`` are the landmarks whose convex hull it fills."""

    key: str
    name: str
    side: Side | None
    mesh: tuple[int, ...]
    lid: bool = False  # eyelids: kept out of the apex energy, since blinks live there


def _pair(name: str, right: tuple[int, ...], left: tuple[int, ...], *, lid: bool = False) -> tuple[Region, Region]:
    key = name.replace(" ", "_")
    return Region(f"{key}_left", name, "left", left, lid), Region(f"{key}_right", name, "right", right, lid)


REGIONS: tuple[Region, ...] = (
    *_pair("inner brow", (107, 66, 55, 65), (336, 296, 285, 295)),
    *_pair("outer brow", (70, 63, 105, 46, 53, 52), (300, 293, 334, 276, 283, 282)),
    *_pair(
        "upper lid",
        (33, 246, 161, 160, 159, 158, 157, 173, 247, 30, 29, 27, 28, 56),
        (263, 466, 388, 387, 386, 385, 384, 398, 467, 260, 259, 257, 258, 286),
        lid=True,
    ),
    *_pair(
        "lower lid",
        (7, 163, 144, 145, 153, 154, 155, 110, 24, 23, 22, 26),
        (249, 390, 373, 374, 380, 381, 382, 339, 254, 253, 252, 256),
        lid=True,
    ),
    *_pair("cheek", (117, 118, 101, 36, 205, 50), (346, 347, 330, 266, 425, 280)),
    *_pair(
        "nostril wing",
        (129, 209, 198, 131, 115, 219, 98, 64, 49, 102),
        (358, 429, 420, 360, 344, 439, 327, 294, 279, 331),
    ),
    *_pair("nasolabial fold", (206, 203, 165, 92, 216), (426, 423, 391, 322, 436)),
    *_pair("mouth corner", (57, 186, 185, 61, 146, 43), (287, 410, 409, 291, 375, 273)),
    Region("upper_lip", "upper lip", None, (167, 164, 393, 39, 37, 0, 267, 269)),
    Region("lower_lip", "lower lip", None, (87, 14, 317, 181, 84, 17, 314, 405)),
    Region("chin", "chin", None, (201, 200, 421, 208, 199, 428, 171, 175, 396)),
)
REGION_BY_KEY: dict[str, Region] = {region.key: region for region in REGIONS}
REGION_KEYS: tuple[str, ...] = tuple(region.key for region in REGIONS)

# Skin over bone or cartilage that expressions leave alone: what moves here is the head.
RIGID_PATCHES: tuple[tuple[int, ...], ...] = (
    (168, 6, 197, 195, 122, 351, 196, 419),  # bridge of the nose
    (127, 162, 139, 34),
    (356, 389, 368, 264),  # temples
    (10, 109, 338, 67, 297),  # upper forehead
    (116, 227, 123, 137),
    (345, 447, 352, 366),  # side of the cheekbone
)
# Landmarks for aligning the crop: eye corners, bridge of the nose, temples.
STABLE_LANDMARKS: tuple[int, ...] = (33, 133, 362, 263, 168, 6, 197, 195, 127, 356, 162, 389)
NOSE_TIP = 4  # iBUG-68 point 30
PUPIL_RIGHT, PUPIL_LEFT = 468, 473
OUTER_EYE_RIGHT, OUTER_EYE_LEFT = 33, 263

# The eight image directions, from 0° = right in steps of 45°, y down: MELLM's names.
DIRECTIONS: tuple[str, ...] = (
    "right",
    "down-right",
    "down",
    "down-left",
    "left",
    "up-left",
    "up",
    "up-right",
)


def direction_name(degrees: float) -> str:
    """The nearest of the eight directions; 0 is right, 90 is down."""
    return DIRECTIONS[round(degrees / 45.0) % 8]


# ------------------------------------------------------------------------------------------ action units


@dataclass(frozen=True)
class Expectation:
    """How one region moves when an action unit contracts, relative to the region that moves most.

    ``region`` is a key of REGIONS without its side. ``out`` is away from the midline of the face, ``up`` is up; both
    negative the other way. Regions without a side have no ``out``.
    """

    region: str
    out: float
    up: float
    defining: bool = False  # the action unit is not claimed unless this region moves like that


@dataclass(frozen=True)
class ActionUnit:
    """One action unit of FACS: what it is called, what it does, how it is seen in two dimensions."""

    number: int
    name: str
    name_zh: str
    muscle: str
    plain: str  # completes “AU 12: …”
    plain_zh: str
    expectations: tuple[Expectation, ...] = ()
    paired: bool = True  # can be shown on one side; False: the regions that define it lie on the midline
    by_rules: bool = False  # two-dimensional motion of regions can tell it from its confusers
    confusers: tuple[int, ...] = ()


# Directions of the defining regions: CK. How much neighbouring skin follows: from the anatomy of the muscles (MA) and
# rounded, since it differs between faces; recognition leans on the defining regions.
ACTION_UNITS: tuple[ActionUnit, ...] = (
    ActionUnit(
        1,
        "inner brow raiser",
        "内眉上提",
        "frontalis, medial part",
        "raises the inner ends of the brows",
        "把眉头向上提",
        (
            Expectation("inner_brow", 0.0, 1.0, True),
            Expectation("outer_brow", 0.0, 0.35),
            Expectation("upper_lid", 0.0, 0.15),
        ),
        by_rules=True,
        confusers=(2,),
    ),
    ActionUnit(
        2,
        "outer brow raiser",
        "外眉上提",
        "frontalis, lateral part",
        "raises the outer parts of the brows",
        "把眉梢向上提",
        (
            Expectation("outer_brow", 0.1, 1.0, True),
            Expectation("inner_brow", 0.0, 0.35),
            Expectation("upper_lid", 0.0, 0.2),
        ),
        by_rules=True,
        confusers=(1,),
    ),
    ActionUnit(
        4,
        "brow lowerer",
        "眉毛下压（皱眉）",
        "corrugator supercilii, depressor supercilii",
        "lowers the brows and draws them together, as in a frown",
        "把眉毛压低并向中间聚拢，即皱眉",
        (
            Expectation("inner_brow", -0.5, -0.85, True),
            Expectation("outer_brow", -0.35, -0.6),
            Expectation("upper_lid", -0.1, -0.35),
        ),
        by_rules=True,
        confusers=(9,),
    ),
    ActionUnit(
        5,
        "upper lid raiser",
        "上睑提升",
        "levator palpebrae superioris",
        "raises the upper eyelids, so that the eyes open wider",
        "提起上眼睑，使眼睛睁大",
        (Expectation("upper_lid", 0.0, 1.0, True), Expectation("outer_brow", 0.0, 0.1)),
        by_rules=True,
        confusers=(1, 2),
    ),
    ActionUnit(
        6,
        "cheek raiser",
        "脸颊上提",
        "orbicularis oculi, orbital part",
        "raises the cheeks and narrows the eyes from below",
        "抬高脸颊，使眼睛从下方变窄",
        (
            Expectation("cheek", 0.05, 1.0, True),
            Expectation("lower_lid", 0.0, 0.6, True),
            Expectation("outer_brow", 0.0, -0.15),
            Expectation("nasolabial_fold", 0.1, 0.4),
        ),
        by_rules=True,
        confusers=(7, 12),
    ),
    ActionUnit(
        7,
        "lid tightener",
        "眼睑收紧",
        "orbicularis oculi, palpebral part",
        "tightens the eyelids; the lower lid moves up and in",
        "收紧眼睑，下眼睑向上、向内移动",
        (Expectation("lower_lid", -0.25, 1.0, True), Expectation("upper_lid", 0.0, -0.2)),
        by_rules=True,
        confusers=(6, 43, 45),
    ),
    ActionUnit(
        9,
        "nose wrinkler",
        "皱鼻",
        "levator labii superioris alaeque nasi",
        "wrinkles the nose: the nostril wings go up and the inner brows come down",
        "皱起鼻子：鼻翼上提，眉头下降",
        (
            Expectation("nostril_wing", 0.0, 1.0, True),
            Expectation("inner_brow", -0.2, -0.5),
            Expectation("nasolabial_fold", 0.0, 0.6),
            Expectation("upper_lip", 0.0, 0.4),
            Expectation("cheek", 0.0, 0.25),
            Expectation("lower_lid", 0.0, 0.2),
        ),
        by_rules=True,
        confusers=(4, 10),
    ),
    ActionUnit(
        10,
        "upper lip raiser",
        "上唇上提",
        "levator labii superioris",
        "raises the upper lip",
        "把上唇向上提",
        (
            Expectation("upper_lip", 0.0, 1.0, True),
            Expectation("nasolabial_fold", 0.25, 0.75),
            Expectation("nostril_wing", 0.0, 0.5),
            Expectation("mouth_corner", 0.15, 0.35),
        ),
        by_rules=True,
        confusers=(9, 25),
    ),
    ActionUnit(
        11,
        "nasolabial deepener",
        "鼻唇沟加深",
        "zygomaticus minor",
        "deepens the fold from the nose to the mouth corner",
        "加深鼻翼到嘴角的鼻唇沟",
        (Expectation("nasolabial_fold", 0.6, 0.8, True),),
        confusers=(10, 12),
    ),
    ActionUnit(
        12,
        "lip corner puller",
        "嘴角上扬",
        "zygomaticus major",
        "pulls the lip corners up and out, as in a smile",
        "把嘴角向上、向外拉，如同微笑",
        (
            Expectation("mouth_corner", 0.75, 0.75, True),
            Expectation("nasolabial_fold", 0.45, 0.5),
            Expectation("cheek", 0.25, 0.3),
        ),
        by_rules=True,
        confusers=(13, 14, 20),
    ),
    ActionUnit(
        13,
        "sharp lip puller",
        "嘴角直提",
        "levator anguli oris",
        "pulls the lip corners steeply up",
        "把嘴角陡直地向上拉",
        (Expectation("mouth_corner", 0.15, 1.0, True), Expectation("nasolabial_fold", 0.0, 0.5)),
        confusers=(12,),
    ),
    ActionUnit(
        14,
        "dimpler",
        "嘴角收紧（酒窝）",
        "buccinator",
        "pinches the lip corners in, with little lift; often on one side",
        "把嘴角向内收紧，几乎不上提，常见于单侧",
        (Expectation("mouth_corner", -0.95, 0.2, True), Expectation("nasolabial_fold", -0.2, 0.05)),
        by_rules=True,
        confusers=(12, 18, 20, 23),
    ),
    ActionUnit(
        15,
        "lip corner depressor",
        "嘴角下拉",
        "depressor anguli oris",
        "pulls the lip corners down",
        "把嘴角向下拉",
        (
            Expectation("mouth_corner", 0.1, -1.0, True),
            Expectation("nasolabial_fold", 0.0, -0.25),
            Expectation("lower_lip", 0.0, -0.15),
        ),
        by_rules=True,
        confusers=(17, 20, 26),
    ),
    ActionUnit(
        16,
        "lower lip depressor",
        "下唇下拉",
        "depressor labii inferioris",
        "pulls the lower lip down",
        "把下唇向下拉",
        (Expectation("lower_lip", 0.0, -1.0, True),),
        paired=False,
        confusers=(25, 26),
    ),
    ActionUnit(
        17,
        "chin raiser",
        "下巴上提",
        "mentalis",
        "pushes the chin and the lower lip up",
        "把下巴和下唇向上推",
        (
            Expectation("chin", 0.0, 1.0, True),
            Expectation("lower_lip", 0.0, 0.9, True),
            Expectation("upper_lip", 0.0, 0.2),
        ),
        paired=False,
        by_rules=True,
        confusers=(24,),
    ),
    ActionUnit(
        18,
        "lip pucker",
        "噘嘴",
        "incisivii labii",
        "draws the lips together and forward",
        "把双唇聚拢并向前噘",
        (Expectation("mouth_corner", -1.0, 0.0, True),),
        confusers=(14, 23),
    ),
    ActionUnit(
        20,
        "lip stretcher",
        "嘴唇横拉",
        "risorius",
        "stretches the lips sideways, without lifting the corners",
        "把嘴唇向两侧横拉，嘴角不上提",
        (Expectation("mouth_corner", 1.0, -0.1, True), Expectation("nasolabial_fold", 0.35, 0.0)),
        by_rules=True,
        confusers=(12, 14),
    ),
    ActionUnit(
        22,
        "lip funneler",
        "嘴唇外翻（漏斗状）",
        "orbicularis oris",
        "pushes the lips forward like a funnel",
        "把双唇向前推成漏斗状",
        (Expectation("mouth_corner", -0.7, 0.0, True),),
        paired=False,
        confusers=(18,),
    ),
    ActionUnit(
        23,
        "lip tightener",
        "嘴唇收紧",
        "orbicularis oris",
        "tightens the lips and makes them narrower",
        "收紧嘴唇，使其变窄",
        (
            Expectation("mouth_corner", -0.9, 0.0, True),
            Expectation("upper_lip", 0.0, -0.45),
            Expectation("lower_lip", 0.0, 0.45),
        ),
        paired=False,
        by_rules=True,
        confusers=(14, 18, 24),
    ),
    ActionUnit(
        24,
        "lip pressor",
        "嘴唇紧压",
        "orbicularis oris",
        "presses the lips together",
        "把上下唇压紧",
        (
            Expectation("upper_lip", 0.0, -0.8, True),
            Expectation("lower_lip", 0.0, 0.9, True),
            Expectation("mouth_corner", -0.15, 0.0),
            Expectation("chin", 0.0, 0.2),
        ),
        paired=False,
        by_rules=True,
        confusers=(17, 23, 28),
    ),
    ActionUnit(
        25,
        "lips part",
        "嘴唇分开",
        "depressor labii inferioris, or relaxed mentalis",
        "parts the lips",
        "使上下唇分开",
        (
            Expectation("lower_lip", 0.0, -1.0, True),
            Expectation("upper_lip", 0.0, 0.4),
            Expectation("chin", 0.0, -0.25),
            Expectation("mouth_corner", 0.0, -0.2),
        ),
        paired=False,
        by_rules=True,
        confusers=(10, 16, 26),
    ),
    ActionUnit(
        26,
        "jaw drop",
        "下颌下降",
        "relaxed masseter, temporalis and pterygoid",
        "lets the jaw drop",
        "使下颌下降",
        (
            Expectation("chin", 0.0, -1.0, True),
            Expectation("lower_lip", 0.0, -1.0, True),
            Expectation("mouth_corner", 0.0, -0.5),
        ),
        paired=False,
        by_rules=True,
        confusers=(25, 27),
    ),
    ActionUnit(
        27,
        "mouth stretch",
        "张大嘴",
        "pterygoids, digastric",
        "opens the mouth wide, the chin far down",
        "大幅张嘴，下巴明显下移",
        (Expectation("chin", 0.0, -1.0, True),),
        paired=False,
        confusers=(26,),
    ),
    ActionUnit(
        28,
        "lip suck",
        "抿唇（内卷）",
        "orbicularis oris",
        "rolls the lips in over the teeth",
        "把嘴唇向内卷到牙齿上",
        (Expectation("lower_lip", 0.0, 0.8, True), Expectation("upper_lip", 0.0, -0.8)),
        paired=False,
        confusers=(24,),
    ),
    ActionUnit(
        38,
        "nostril dilator",
        "鼻孔扩张",
        "nasalis, alar part",
        "widens the nostrils",
        "使鼻孔张开",
        (Expectation("nostril_wing", 1.0, 0.0, True),),
        confusers=(39,),
    ),
    ActionUnit(
        39,
        "nostril compressor",
        "鼻孔收缩",
        "nasalis, transverse part",
        "narrows the nostrils",
        "使鼻孔收窄",
        (Expectation("nostril_wing", -1.0, 0.0, True),),
        confusers=(38,),
    ),
    ActionUnit(
        43,
        "eyes closed",
        "闭眼",
        "relaxed levator palpebrae, orbicularis oculi",
        "lowers the upper lids, so that the eyes close",
        "上眼睑下垂，眼睛闭合",
        (Expectation("upper_lid", 0.0, -1.0, True), Expectation("lower_lid", 0.0, 0.1)),
        by_rules=True,
        confusers=(7, 45, 46),
    ),
    ActionUnit(
        45,
        "blink",
        "眨眼",
        "levator palpebrae, orbicularis oculi",
        "closes both eyes for an instant",
        "双眼瞬间闭合",
        (Expectation("upper_lid", 0.0, -1.0, True),),
        confusers=(43,),
    ),
    ActionUnit(
        46,
        "wink",
        "单眼眨眼",
        "orbicularis oculi",
        "closes one eye for an instant",
        "单眼瞬间闭合",
        (Expectation("upper_lid", 0.0, -1.0, True),),
        confusers=(43, 45),
    ),
)
AU_BY_NUMBER: dict[int, ActionUnit] = {unit.number: unit for unit in ACTION_UNITS}


# ------------------------------------------------------------------------------------------ emotions

COARSE_CLASSES: tuple[str, ...] = ("negative", "positive", "surprise")  # MEGC's three


@dataclass(frozen=True)
class Emotion:
    """One emotion word, with what the literature ties it to."""

    name: str
    name_zh: str
    coarse: str  # of COARSE_CLASSES
    prototype: frozenset[int]  # EMFACS style; empty where there is none
    casme2: tuple[frozenset[int], ...] = ()  # Y14: any of these sets


def _sets(*sets: str) -> tuple[frozenset[int], ...]:
    return tuple(frozenset(int(number) for number in text.split("+")) for text in sets)


EMOTIONS: tuple[Emotion, ...] = (
    Emotion("happiness", "高兴", "positive", frozenset({6, 12}), _sets("6", "12")),
    Emotion("sadness", "悲伤", "negative", frozenset({1, 4, 15})),
    Emotion("surprise", "惊讶", "surprise", frozenset({1, 2, 5, 26}), _sets("1+2", "2", "25")),
    Emotion("fear", "恐惧", "negative", frozenset({1, 2, 4, 5, 7, 20, 26})),
    Emotion("anger", "愤怒", "negative", frozenset({4, 5, 7, 23})),
    Emotion("disgust", "厌恶", "negative", frozenset({9, 15, 16}), _sets("9", "10", "4+7")),
    Emotion("contempt", "轻蔑", "negative", frozenset()),  # a one-sided AU 12 or 14, which no set can say
    Emotion("repression", "压抑", "negative", frozenset(), _sets("15", "17", "15+17")),
)
EMOTION_BY_NAME: dict[str, Emotion] = {emotion.name: emotion for emotion in EMOTIONS}
CONTEMPT_ONE_SIDED: frozenset[int] = frozenset({12, 14})

# Davison et al. 2017, "Objective classes for micro-facial expression recognition": exact sets; all others are VII.
OBJECTIVE_CLASSES: dict[str, tuple[frozenset[int], ...]] = {
    "I": _sets("6", "12", "6+12", "6+7+12", "7+12"),
    "II": _sets("1+2", "5", "25", "1+2+25", "25+26", "5+24"),
    "III": _sets("23", "4", "4+7", "4+5", "4+5+7", "17+24", "4+6+7", "4+38"),
    "IV": _sets("10", "9", "4+9", "4+40", "4+5+40", "4+7+9", "4+9+17", "4+7+10", "4+5+7+9", "7+10"),
    "V": _sets("1", "15", "1+4", "6+15", "15+17"),
    "VI": _sets("1+2+4", "20"),
}
OBJECTIVE_REST = "VII"


def objective_class(action_units: Iterable[int]) -> str | None:
    """The objective class, "I" to "VII", of exactly this set of action units; None for the empty set (D17)."""
    wanted = frozenset(action_units)
    if not wanted:
        return None
    return next((name for name, sets in OBJECTIVE_CLASSES.items() if wanted in sets), OBJECTIVE_REST)


# How often CASME II (145 clips in four classes) shows an action unit with an emotion: the clips, and the frequent ones.
CASME2_CLIPS: dict[str, int] = {"disgust": 61, "happiness": 32, "repression": 27, "surprise": 25}
CASME2_COUNTS: dict[str, dict[int, int]] = {
    "disgust": {4: 53, 7: 30, 10: 17, 9: 9},
    "happiness": {12: 28, 14: 4},
    "repression": {17: 19, 15: 14},
    "surprise": {2: 21, 1: 19},
}


# ------------------------------------------------------------------------------------------ Chinese words

REGION_ZH: dict[str, str] = {
    "inner brow": "眉头",
    "outer brow": "眉梢",
    "upper lid": "上眼睑",
    "lower lid": "下眼睑",
    "cheek": "脸颊",
    "nostril wing": "鼻翼",
    "nasolabial fold": "鼻唇沟",
    "mouth corner": "嘴角",
    "upper lip": "上唇",
    "lower lip": "下唇",
    "chin": "下巴",
}
SIDE_ZH: dict[str, str] = {"left": "左侧", "right": "右侧", "both": "双侧"}
DIRECTION_ZH: dict[str, str] = {
    "right": "向右",
    "down-right": "向右下",
    "down": "向下",
    "down-left": "向左下",
    "left": "向左",
    "up-left": "向左上",
    "up": "向上",
    "up-right": "向右上",
}
COARSE_ZH: dict[str, str] = {"negative": "消极", "positive": "积极", "surprise": "惊讶"}
EMOTION_ZH: dict[str, str] = {emotion.name: emotion.name_zh for emotion in EMOTIONS}
