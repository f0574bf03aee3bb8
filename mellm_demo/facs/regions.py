"""Facial regions and other places on MediaPipe's 478-point mesh. Mesh indices: its canonical face mesh."""

from __future__ import annotations

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
