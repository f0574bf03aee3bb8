"""Motion from onset to apex → action units, coarse class and tentative emotions, by two witnesses.

``recognise`` is the rules alone; ``with_network`` lets the trained head speak beside them. Nothing here knows files of
clips, time or the page.
"""

from __future__ import annotations

from mellm_demo.recognition import corpora, network
from mellm_demo.recognition.combine import combined, not_asked
from mellm_demo.recognition.crop import corpus_crop
from mellm_demo.recognition.expression import Counts, coarse_class, emotions
from mellm_demo.recognition.network import Head
from mellm_demo.recognition.rules import MAX_PROBABILITY, recognise
from mellm_demo.records import Evidence, Float32Array

__all__ = [
    "MAX_PROBABILITY",
    "Counts",
    "Head",
    "coarse_class",
    "emotions",
    "not_asked",
    "recognise",
    "weights_digests",
    "with_network",
]


def with_network(
    evidence: Evidence,
    residual: Float32Array,
    landmarks: Float32Array,
    *,
    noise_floor_px: float,
    head: Head | None = None,
    counts: Counts | None = None,
) -> Evidence:
    """``evidence`` of the rules with the trained head's reading of the same flow.

    Args:
        evidence: what ``recognise`` made of the regions.
        residual: (H, W, 2) px of the aligned crop, onset → apex, head motion removed.
        landmarks: (478, 2) px of the same crop, at the onset.
        noise_floor_px: px; where nothing moved by more, the head is not heard.
        head, counts: what was learned from corpora; the shipped where not given.

    Raises:
        WeightsError: the weights are missing or not the expected ones.
    """
    head = head or network.load()
    reading = network.read(corpus_crop(residual, landmarks)[None], head)
    return combined(evidence, reading, head, noise_floor_px, counts)


def weights_digests() -> dict[str, str]:
    """SHA-256 of the files under weights that were read, for the record of an analysis."""
    return {"recognition/head.npz": network.digest(), "recognition/emotions.json": corpora.file_digest()}
