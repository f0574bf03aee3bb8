"""Source → upright RGB frames with true timestamps, within limits: the only decoder of the house.

Reads videos (libav, through PyAV), folders and zips of pictures, and onset/apex pairs (Pillow). Nothing is written to
disk, nothing is logged, no other file is opened and no network is asked. What the metadata claim is used for early
refusals and for progress only: frames are decoded in order and counted as they come.
It knows nothing about faces.
"""

from mellm_demo.video.clock import regularity
from mellm_demo.video.opening import open_clip
from mellm_demo.video.reader import ClipReader
from mellm_demo.video.sentences import describe_limits

__all__ = ["ClipReader", "describe_limits", "open_clip", "regularity"]
