"""Action units: what each is called, what it does, how it is seen in two dimensions.

Sources, by the letters used below. CK: Cohn-Kanade manual; MA: Molecular Autism 2021, s13229-021-00430-0, table 2
(muscles).
"""

from __future__ import annotations

from dataclasses import dataclass


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
