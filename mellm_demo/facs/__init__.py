"""FACS as data: facial regions on MediaPipe's 478-point mesh, directions, action units, emotions. No pixels here.

Left and right are the subject's.
"""

from mellm_demo.facs.directions import DIRECTION_ZH, DIRECTIONS, direction_name
from mellm_demo.facs.emotions import (
    CASME2_CLIPS,
    CASME2_COUNTS,
    COARSE_CLASSES,
    COARSE_ZH,
    CONTEMPT_ONE_SIDED,
    EMOTION_BY_NAME,
    EMOTION_ZH,
    EMOTIONS,
    OBJECTIVE_CLASSES,
    OBJECTIVE_REST,
    Emotion,
    objective_class,
)
from mellm_demo.facs.regions import (
    NOSE_TIP,
    OUTER_EYE_LEFT,
    OUTER_EYE_RIGHT,
    PUPIL_LEFT,
    PUPIL_RIGHT,
    REGION_BY_KEY,
    REGION_KEYS,
    REGION_ZH,
    REGIONS,
    RIGID_PATCHES,
    SIDE_ZH,
    STABLE_LANDMARKS,
    Region,
)
from mellm_demo.facs.units import ACTION_UNITS, AU_BY_NUMBER, ActionUnit, Expectation

__all__ = [
    "ACTION_UNITS",
    "AU_BY_NUMBER",
    "CASME2_CLIPS",
    "CASME2_COUNTS",
    "COARSE_CLASSES",
    "COARSE_ZH",
    "CONTEMPT_ONE_SIDED",
    "DIRECTIONS",
    "DIRECTION_ZH",
    "EMOTIONS",
    "EMOTION_BY_NAME",
    "EMOTION_ZH",
    "NOSE_TIP",
    "OBJECTIVE_CLASSES",
    "OBJECTIVE_REST",
    "OUTER_EYE_LEFT",
    "OUTER_EYE_RIGHT",
    "PUPIL_LEFT",
    "PUPIL_RIGHT",
    "REGIONS",
    "REGION_BY_KEY",
    "REGION_KEYS",
    "REGION_ZH",
    "RIGID_PATCHES",
    "SIDE_ZH",
    "STABLE_LANDMARKS",
    "ActionUnit",
    "Emotion",
    "Expectation",
    "Region",
    "direction_name",
    "objective_class",
]
