"""Frames in, faces out: found, followed, cut out in one steady upright framing, and judged.

Knows MediaPipe's Face Landmarker (the only package that does) and how to take landmark jitter out of an alignment.
Knows nothing of files, of expressions or of motion: what it measures is where a face is and how well it can be seen.

The way of a frame: landmarks → a similarity transform to fixed targets → that transform smoothed over time (which needs
the frames that follow, so the face regions of a few frames wait in a queue) → the gray crop that is measured and a
colour crop to look at. Whole frames are never kept.
"""

from mellm_demo.face.crops import display_frame
from mellm_demo.face.following import FaceResult, follow_faces
from mellm_demo.face.landmarker import LANDMARKER_SHA256
from mellm_demo.face.lookout import landmarks_of_image
from mellm_demo.face.quality import usable_frames
from mellm_demo.face.verdict import input_verdict

__all__ = [
    "LANDMARKER_SHA256",
    "FaceResult",
    "display_frame",
    "follow_faces",
    "input_verdict",
    "landmarks_of_image",
    "usable_frames",
]
