"""A still face → a clip whose motion is known exactly.

Everything that moves is a *backward* map: a pixel of a frame says which place of the still picture it shows. The truth
is that map, inverted numerically, so it is what was rendered and not what was meant. Knows nothing of how motion is
measured; only landmarks of the still face come from ``face``.

Coordinates: the *rest frame* is the still face as it lies in the clip when nothing moves, px. The *crop* is the
project's framing of a face (records.OUTER_EYE_PX); amplitudes and flows are given in its px, so that they are what an
analysis should measure. Left and right are the subject's.
"""

from mellm_demo.training.synthesis.clips import portrait, read_picture, render, write_clip, write_truth
from mellm_demo.training.synthesis.command import main
from mellm_demo.training.synthesis.fields import ACTION_UNITS, au_field, field_source
from mellm_demo.training.synthesis.mesh import MESH_FILE, MESH_POINTS, MESH_SHA256, SKIN_POINTS
from mellm_demo.training.synthesis.scene import Scene
from mellm_demo.training.synthesis.spec import MICRO_MS, Background, Blink, ClipSpec, Event, Head, Movement
from mellm_demo.training.synthesis.truth import TrueEvent, Truth

__all__ = [
    "ACTION_UNITS",
    "MESH_FILE",
    "MESH_POINTS",
    "MESH_SHA256",
    "MICRO_MS",
    "SKIN_POINTS",
    "Background",
    "Blink",
    "ClipSpec",
    "Event",
    "Head",
    "Movement",
    "Scene",
    "TrueEvent",
    "Truth",
    "au_field",
    "field_source",
    "main",
    "portrait",
    "read_picture",
    "render",
    "write_clip",
    "write_truth",
]
