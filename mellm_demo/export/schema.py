"""The JSON document's schema: what each key holds, in which unit."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION = "1.3"


class _Part(BaseModel):
    """Frozen; keys of a later version pass."""

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)


class ClipPart(_Part):
    """Facts about the source. Times are milliseconds from its first frame."""

    name: str = Field(description="file name without folders")
    kind: Literal["video", "frames", "pair"]
    container: str
    codec: str
    width: int = Field(description="px, upright")
    height: int = Field(description="px, upright")
    rotation_deg: int = Field(description="rotation that was undone")
    frame_count: int
    duration_ms: float
    frame_rate: float | None = Field(description="frames/s: 1000 / median frame interval")
    interval_jitter: float | None = Field(description="robust spread of the frame intervals / their median")
    repeated_frames: int
    has_sound: bool
    size_bytes: int
    sha256: str = Field(description="of the source file")
    warnings: list[str]
    times_ms: list[float] = Field(description="true time of every frame")


class FacePart(_Part):
    """The face that was analysed."""

    track_id: int = Field(description="its number in the page and for --face")
    faces_found: int
    frames: int = Field(description="frames in which it was followed")
    coverage: float | None = Field(description="share of the clip's frames")
    box_xywh: tuple[int, int, int, int] = Field(description="px of the source frame, where it is largest")
    interocular_px: float | None = Field(description="median distance of the pupils in the source frame")
    interocular_crop_px: float | None = Field(description="the same in the 256 px crop: the unit of magnitude_iod")


class CandidatePart(_Part):
    """One movement that was found."""

    onset_ms: float
    apex_ms: float
    offset_ms: float
    duration_ms: float
    kind: Literal["micro", "macro"] = Field(description="micro: 500 ms or less")
    score: float | None = Field(description="largest regional displacement / noise floor")
    peak_px: float | None = Field(description="largest regional displacement from the onset, px of the 256 px crop")
    regions: list[str] = Field(description="keys of the regions that moved, strongest first")
    complete: bool = Field(description="false: the clip begins or ends before the face is at rest")
    by_user: bool = Field(description="true: set by hand, not found")
    warnings: list[str]


class RegionPart(_Part):
    """Mean motion of one facial region from onset to apex, head motion removed."""

    key: str
    name: str
    side: Literal["left", "right"] | None = Field(description="the subject's")
    magnitude_px: float | None = Field(description="px of the 256 px crop")
    magnitude_iod: float | None = Field(description="per cent of the interocular distance")
    direction_deg: float | None = Field(description="in the image, y down: 0 right, 90 down, 180 left, 270 up")
    direction: str
    u_px: float | None
    v_px: float | None
    max_px: float | None = Field(description="95th percentile inside the region")
    moving: bool = Field(description="above the noise floor")


class WitnessPart(_Part):
    """One source's opinion."""

    name: str
    probability: float | None
    statement: str


class ActionUnitPart(_Part):
    """One action unit that the motion supports."""

    au: int
    name: str
    side: Literal["left", "right", "both"] = Field(description="the subject's")
    probability: float | None = Field(
        description="0..1: how well the motion fits; joined with the calibrated network where that is a witness"
    )
    strength_px: float | None
    regions: list[str]
    witnesses: list[WitnessPart]
    reliability: float | None = Field(
        description="F1 of the trained head for this unit on real clips of people unseen; null: not measured"
    )


class CoarsePart(_Part):
    """Shares of the three classes; they sum to 1."""

    negative: float
    positive: float
    surprise: float


class EmotionPart(_Part):
    """A tentative reading with its reasons."""

    name: str
    support: float | None
    reasons_for: list[str]
    reasons_against: list[str]


class SpanPart(_Part):
    """A stretch of time in which something else happened."""

    kind: Literal["blink", "speech", "head", "gap"]
    start_ms: float
    end_ms: float


class CheckPart(_Part):
    """One line of the input verdict."""

    name: str
    value: str
    severity: Literal["ok", "note", "warning", "unusable"]
    sentence: str


class QualityPart(_Part):
    """What the input allows."""

    severity: Literal["ok", "note", "warning", "unusable"]
    headline: str
    checks: list[CheckPart]
    noise_floor_px: float | None = Field(description="below this nothing is claimed, px of the 256 px crop")
    frames_total: int
    frames_face_lost: int
    frames_turned_away: int
    frames_too_small: int
    frames_dark: int
    frames_blurred: int
    frames_cut_off: int


class StatementPart(_Part):
    """One statement of a language model, held against the measurements; ``text[start:end]`` is where it stands."""

    start: int
    end: int
    kind: str
    claim: str = Field(description="what it says, in words")
    supported: bool = Field(description="by the measurements")
    why: str = Field(description="what the measurements say to it")


class TurnPart(_Part):
    """One turn of the chat."""

    role: Literal["user", "assistant"]
    text: str
    speaker: str | None = Field(None, description="who wrote an assistant's turn")
    ended: Literal["stopped", "length", "repetition", "failed"] | None = Field(
        None, description="why the text is not complete; null: it is"
    )
    statements: list[StatementPart] = Field(default_factory=list, description="of a language model's text, checked")
    unchecked: list[tuple[int, int]] = Field(
        default_factory=list, description="start and end of its sentences about the face that could not be checked"
    )
    tally: str | None = Field(None, description="of a language model's text: what the check came to, in words")
    rewritten: int = Field(0, description="sentences without support that were written again until they had it")
    left_out: int = Field(0, description="sentences without support that are not in the text")


class ReasonerPart(_Part):
    """Who wrote the assistant's turns."""

    name: str
    is_language_model: bool
    size: str
    precision: str
    device: str
    why: str
    notice: str


class AnalysisDocument(_Part):
    """One clip, one face, the movements found, the evidence of the selected one, and the chat about it.

    Left and right are the subject's. Motion is measured; emotion is inferred.
    """

    schema_version: str
    headline: str = Field(description="the finding in a sentence or two")
    clip: ClipPart
    face: FacePart
    reliable: bool
    reasons: list[str] = Field(description="sentences: why it is not reliable, or what to keep in mind")
    candidates: list[CandidatePart] = Field(description="best first")
    selected: int | None = Field(description="index into candidates; null: none, or an interval set by hand")
    interval: CandidatePart | None = Field(description="what regions, action_units and coarse speak about")
    regions: list[RegionPart]
    action_units: list[ActionUnitPart] = Field(description="most probable first")
    coarse: CoarsePart | None
    emotions: list[EmotionPart] = Field(description="best supported first")
    notes: list[str] = Field(description="confusers, disagreements, limits")
    spans: list[SpanPart]
    quality: QualityPart
    settings: dict[str, Any]
    provenance: dict[str, Any] = Field(description="versions, checksums, time of the analysis")
    reasoner: ReasonerPart | None
    conversation: list[TurnPart]


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of what ``to_json`` writes."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **AnalysisDocument.model_json_schema()}
