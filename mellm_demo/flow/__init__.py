"""How skin moves: dense flow of a pair, and displacement trajectories per facial region over a whole clip.

Knows nothing of expressions, decoding or face finding: it gets aligned gray crops with landmarks and returns pixels of
the aligned crop. The dense flow is the one that MELLM's images are made of and is used once per pair. The trajectories
are measured differently, because they must be cheap and finer than a tenth of a pixel: every region is one patch, and
its translation is solved by Gauss-Newton steps on locally normalised gray values (Lucas and Kanade 1981, in the
inverse compositional form of Baker and Matthews 2004), against keyframes that are renewed as the head moves.
"""

from mellm_demo.flow.curve import motion_curve
from mellm_demo.flow.dense import remove_head_motion, tvl1
from mellm_demo.flow.landmarks import LOWER_LIP_INNER, UPPER_LIP_INNER
from mellm_demo.flow.regions import FLOW_REACH_PX, region_masks, region_motions
from mellm_demo.flow.registration import normalised

__all__ = [
    "FLOW_REACH_PX",
    "LOWER_LIP_INNER",
    "UPPER_LIP_INNER",
    "motion_curve",
    "normalised",
    "region_masks",
    "region_motions",
    "remove_head_motion",
    "tvl1",
]
