"""The data that flows through the house, frozen. Nothing here computes.

Conventions: images are ``uint8``, RGB, ``(H, W, 3)``, or gray ``(H, W)``; points are ``(x, y)`` in pixels, y down; flow
is ``(H, W, 2)`` ``float32``, ``[..., 0]`` = u (right positive), ``[..., 1]`` = v (down positive), in pixels of the
aligned crop. Time is milliseconds from the clip's first frame. Left and right are the subject's.
Arrays inside records are to be treated as read-only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

CROP_PX = 256  # side of the aligned gray crop on which everything is measured
OUTER_EYE_PX = 112.0  # outer eye corner to outer eye corner in the aligned crop
EYE_LINE_Y_PX = 97.0  # y of the outer eye corners in the aligned crop

Side = Literal["left", "right"]
BothSides = Literal["left", "right", "both"]
FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]
BoolArray = NDArray[np.bool_]
Image = NDArray[np.uint8]


# ---------------------------------------------------------------------------------------------- clip


@dataclass(frozen=True)
class Frame:
    """One decoded frame, upright."""

    index: int
    time_ms: float
    rgb: Image  # (H, W, 3)


@dataclass(frozen=True)
class Clip:
    """What was read: facts about the source, never its pixels."""

    name: str  # file name without folders
    kind: Literal["video", "frames", "pair"]
    container: str
    codec: str
    width: int  # of the upright frame
    height: int
    rotation_deg: int  # that was undone: 0, 90, 180 or 270
    times_ms: FloatArray  # (T,), strictly rising, first is 0
    frame_rate: float  # 1000 / median frame interval
    interval_jitter: float  # robust spread of the frame intervals / their median; 0 is perfectly regular
    repeated_frames: int  # frames identical to the one before: the true rate is lower
    has_sound: bool
    size_bytes: int
    sha256: str
    warnings: tuple[str, ...] = ()  # e.g. "the file is torn after 1.2 s; …"

    @property
    def frame_count(self) -> int:
        return len(self.times_ms)

    @property
    def duration_ms(self) -> float:
        return float(self.times_ms[-1]) if len(self.times_ms) else 0.0


# ---------------------------------------------------------------------------------------------- face


@dataclass(frozen=True)
class FaceTrack:
    """One face, followed through the clip and cut out in one steady, upright framing.

    ``T`` is the number of frames of the clip in which this face was followed (rows run in time; frames where it was
    lost are absent). The crop is ``CROP_PX`` square; the outer eye corners lie ``OUTER_EYE_PX`` apart on the line
    ``EYE_LINE_Y_PX``, the subject's right eye at the image's left (an unmirrored picture).
    """

    track_id: int  # 1, 2, … by importance; the number on the thumbnail
    frame_indices: NDArray[np.int64]  # (T,) into the clip
    times_ms: FloatArray  # (T,)
    gray: Image  # (T, CROP_PX, CROP_PX), what is measured
    display_jpegs: tuple[bytes, ...]  # T colour crops of the same framing, display_px square, to look at
    display_px: int  # CROP_PX … 640, by the size of the face in the clip
    landmarks: Float32Array  # (T, 478, 2) in px of the gray crop, after alignment, not smoothed
    reference_landmarks: Float32Array  # (478, 2), their median over the track: where the regions lie
    blendshapes: Float32Array  # (T, 52), MediaPipe's order, 0..1
    pose_deg: Float32Array  # (T, 3) yaw (positive: to the subject's left), pitch (positive: up), roll
    interocular_px: Float32Array  # (T,) distance of the pupils in px of the source frame
    sharpness: Float32Array  # (T,) variance of the Laplacian of the gray crop
    brightness: Float32Array  # (T,) mean gray level of the face, 0..255
    inside: BoolArray  # (T,) the whole face is in the picture
    box: tuple[int, int, int, int]  # x, y, w, h in the source frame where it is largest
    thumbnail: Image  # (96, 96, 3) RGB
    coverage: float  # T / frames of the clip

    @property
    def interocular_crop_px(self) -> float:
        """Distance of the pupils in the aligned crop, the unit behind “per cent of interocular distance”."""
        right, left = self.reference_landmarks[468], self.reference_landmarks[473]
        return float(np.hypot(*(left - right)))


Severity = Literal["ok", "note", "warning", "unusable"]


@dataclass(frozen=True)
class Check:
    """One line of the input verdict."""

    name: str  # "frame rate", "regularity", "face size", "pose", "blur", "light", "face found", …
    value: str  # with its unit: "25.0 frames/s"
    severity: Severity
    sentence: str  # what follows from it


@dataclass(frozen=True)
class InputVerdict:
    """What the input allows, said before anything is concluded from it."""

    severity: Severity  # the worst of the checks
    headline: str  # one short sentence
    checks: tuple[Check, ...]
    frames_total: int
    frames_face_lost: int
    frames_turned_away: int
    frames_too_small: int
    frames_dark: int
    frames_blurred: int
    frames_cut_off: int


# ---------------------------------------------------------------------------------------------- motion


@dataclass(frozen=True)
class MotionCurve:
    """How each region of one face moved, head motion removed: displacement trajectories, not speeds.

    ``displacement_px[t, r]`` is where region ``r`` has gone since the first frame, ``(x, y)`` in px of the crop. Rows
    that follow a gap or an unusable frame start a new ``segment``; displacements compare only within a segment.
    """

    times_ms: FloatArray  # (T,)
    regions: tuple[str, ...]  # R keys of facs.REGIONS
    displacement_px: Float32Array  # (T, R, 2)
    usable: BoolArray  # (T,) False where pose, light, blur or framing forbid measuring
    segment: NDArray[np.int64]  # (T,)
    head_speed_px_s: Float32Array  # (T,) rigid motion that was removed, px of the crop per second
    rigid_residual_px: Float32Array  # (T,) what the rigid regions still move after it was removed
    eye_openness: Float32Array  # (T, 2) eye aspect ratio, subject's right and left
    mouth_opening: Float32Array  # (T,) inner lip gap / interocular distance
    covariance_px2: Float32Array | None = None  # (T, R, 2, 2) of the displacements, as far as the picture tells it


@dataclass(frozen=True)
class Span:
    """A stretch of time with a name: a blink, speech, a head turn."""

    kind: Literal["blink", "speech", "head", "gap"]
    start_ms: float
    end_ms: float


@dataclass(frozen=True)
class Interval:
    """One candidate expression. Indices are rows of the face track."""

    onset: int
    apex: int
    offset: int
    onset_ms: float
    apex_ms: float
    offset_ms: float
    kind: Literal["micro", "macro"]
    score: float  # peak displacement / noise floor
    peak_px: float  # largest regional displacement from onset, px of the crop
    regions: tuple[str, ...]  # keys of the regions that moved above the floor, strongest first
    warnings: tuple[str, ...] = ()  # "overlaps a blink", …
    complete: bool = True  # False: the clip ends (or begins) before the face is back at rest
    by_user: bool = False

    @property
    def duration_ms(self) -> float:
        return self.offset_ms - self.onset_ms


@dataclass(frozen=True)
class Spotting:
    """Everything that was found on the motion curve."""

    energy_px: Float32Array  # (T,) the largest regional displacement from the local rest, lids left out
    noise_floor_px: float  # below this nothing is claimed
    region_energy_px: Float32Array  # (T, R) the same per region
    region_floor_px: Float32Array  # (R,)
    candidates: tuple[Interval, ...]  # best first
    spans: tuple[Span, ...]  # blinks, speech, head turns, gaps, by time
    reasons: tuple[str, ...]  # why there is no reliable candidate; empty where there is one


# ---------------------------------------------------------------------------------------------- evidence


@dataclass(frozen=True)
class RegionMotion:
    """Mean motion of one region from onset to apex, head motion removed."""

    key: str  # of facs.REGIONS, e.g. "mouth_corner_left"
    name: str  # "mouth corner"
    side: Side | None
    u_px: float
    v_px: float
    magnitude_px: float  # of the mean vector
    max_px: float  # 95th percentile of the pixel magnitudes inside the region
    magnitude_iod: float  # magnitude_px in per cent of the interocular distance
    direction_deg: float  # 0 right, 90 down, 180 left, 270 up: image directions, y down
    direction: str  # one of the eight names of facs.DIRECTIONS
    moving: bool  # above the noise floor


RULES, NETWORK = "rules", "network"  # names of the witnesses


@dataclass(frozen=True)
class Witness:
    """One source's opinion on an action unit or a class."""

    name: str  # RULES or NETWORK
    probability: float
    statement: str  # what it goes by, in words


@dataclass(frozen=True)
class ActionUnitEvidence:
    """One action unit that the motion supports."""

    au: int
    name: str
    side: BothSides
    probability: float  # 0..1; of RULES alone how well the motion fits, else joined with NETWORK's probability
    strength_px: float
    regions: tuple[str, ...]  # keys of the regions that it rests on
    witnesses: tuple[Witness, ...]
    reliability: float | None = None  # F1 of the trained head for this unit on real people unseen; None: not measured


@dataclass(frozen=True)
class CoarseClass:
    """Shares of the three classes of MEGC; they sum to 1."""

    negative: float
    positive: float
    surprise: float


@dataclass(frozen=True)
class EmotionHypothesis:
    """A tentative reading, with its reasons."""

    name: str
    support: float  # 0..1, relative
    reasons_for: tuple[str, ...]
    reasons_against: tuple[str, ...]


@dataclass(frozen=True)
class Evidence:
    """What the motion from onset to apex supports."""

    regions: tuple[RegionMotion, ...]  # all, in the order of facs.REGIONS
    action_units: tuple[ActionUnitEvidence, ...]  # most probable first
    coarse: CoarseClass | None  # None: nothing to go by
    emotions: tuple[EmotionHypothesis, ...]  # best supported first
    notes: tuple[str, ...] = ()  # confusers, disagreements, limits


@dataclass(frozen=True)
class Moment:
    """The chosen onset-apex pair, its flow and its pictures."""

    interval: Interval
    flow: Float32Array  # (CROP_PX, CROP_PX, 2) TV-L1, onset → apex, as measured
    residual: Float32Array  # (CROP_PX, CROP_PX, 2) with head motion removed
    onset_gray: Image  # (CROP_PX, CROP_PX)
    onset_rgb: Image  # (display_px, display_px, 3)
    apex_rgb: Image  # (display_px, display_px, 3)
    motion_map: Image  # (CROP_PX, CROP_PX, 3) RGB, the image that MELLM was trained on


# ---------------------------------------------------------------------------------------------- the whole


@dataclass(frozen=True)
class FaceChoice:
    """A face that can be chosen instead."""

    track_id: int
    thumbnail: Image  # (96, 96, 3)
    coverage: float
    interocular_px: float


@dataclass(frozen=True)
class Analysis:
    """One clip, one face, one moment: all that the page, the chat, the exports and the command line need."""

    clip: Clip
    verdict: InputVerdict
    faces: tuple[FaceTrack, ...]  # all that were followed long enough, most important first
    face: FaceTrack  # the one that was analysed
    curve: MotionCurve
    spotting: Spotting
    selected: int | None  # index into spotting.candidates; None where the user set the interval or nothing was found
    moment: Moment | None  # None where there is nothing to look at
    evidence: Evidence | None
    reliable: bool
    reasons: tuple[str, ...]  # why it is not reliable, or what to keep in mind
    headline: str  # the finding in one or two sentences
    settings: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)  # versions, checksums, time of the analysis


# ---------------------------------------------------------------------------------------------- the chat


Ended = Literal["", "stopped", "length", "repetition", "failed"]  # why a text is not complete; "": it is


@dataclass(frozen=True)
class Statement:
    """One statement of an answer, held against the measurements. ``text[start:end]`` is where it stands."""

    start: int
    end: int
    kind: str  # “action unit”, “side”, “region”, “direction”, “emotion”, “class”, “type”, “magnitude”, “time”, …
    claim: str  # what it says, in words
    supported: bool
    why: str  # what the measurements say to it


@dataclass(frozen=True)
class Turn:
    """One turn of the chat."""

    role: Literal["user", "assistant"]
    text: str
    speaker: str = ""  # who wrote an assistant's turn
    ended: Ended = ""
    statements: tuple[Statement, ...] = ()  # of a language model's turn, checked
    unchecked: tuple[tuple[int, int], ...] = ()  # start and end of its sentences that could not be checked
    tally: str = ""  # how many of either, in words; "": not a language model's
    rewritten: int = 0  # sentences that the measurements did not support and that were written again until they did
    left_out: int = 0  # sentences for which that failed: they are not in the text


@dataclass(frozen=True)
class ReasonerCard:
    """Who speaks, shown in the page and in every export."""

    name: str
    is_language_model: bool
    size: str  # "no model", "135 M parameters", …
    precision: str
    device: str
    why: str  # why this one was chosen, in words
    notice: str  # shown under its text, e.g. "composed from measurements, not by a language model"
