"""An analysis and the chat about it → JSON, CSV and a zip of pictures. Data in, text or bytes out.

Knows nothing of files, folders or the page: the caller decides where the bytes go. Measures and concludes nothing.

The JSON follows ``AnalysisDocument``; ``json_schema()`` is its JSON Schema. It is strict JSON (a number that could not
be computed is ``null``), holds no pixels, no folder names and no secrets, and its ``schema_version`` rises in the first
figure where a key is renamed or removed, in the second where one is added.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from mellm_demo import wording
from mellm_demo.records import (
    ActionUnitEvidence,
    Analysis,
    BoolArray,
    Clip,
    CoarseClass,
    Evidence,
    FaceTrack,
    FloatArray,
    Image,
    InputVerdict,
    Interval,
    ReasonerCard,
    RegionMotion,
    Span,
    Spotting,
    Turn,
)

SCHEMA_VERSION = "1.3"

TIME_DIGITS = 3  # decimals of a millisecond: a 1000 frames/s clip with room to spare
PX_DIGITS = 4  # decimals of a pixel, well under what landmarks and flow resolve
SHARE_DIGITS = 6  # decimals of a share or probability

ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # the same pictures give the same bytes
SECRET_KEY = re.compile(r"(^|_)(secret|token|password|passwd|api_?key|credentials?)$", re.IGNORECASE)
ABSOLUTE_PATH = re.compile(r"(?<![\w:/.~])(?:~|[A-Za-z]:)?(?:[/\\](?=\S)[\w.\-+@ ]*\w){2,}[/\\]?")
NUMBER_LIST = re.compile(r"\[\n\s+([-+0-9.eE,\s]+?)\n\s+\]")

HONESTY = (
    "Motion is measured; what it may express is inferred. One movement can go with several feelings, or with none.",
    "Micro-expressions do not show whether somebody lies. This is not a lie detector.",
    "A face is biometric data: keep and share these pictures only with the consent of the person shown.",
)
PICTURE_NOTES: dict[str, str] = {
    "onset.png": "the frame in which the movement begins",
    "apex.png": "the frame in which it is largest",
    "motion_map.png": "the motion from onset to apex over the onset frame; hue is direction, brightness is magnitude. "
    "Brightness is relative to this one picture: a still face lights up like a moving one",
    "colour_wheel.png": "which hue of the motion map stands for which direction",
    "magnified.webp": "the measured motion, amplified: not real",
}


# ---------------------------------------------------------------------------------------------- the JSON document


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


def to_json(analysis: Analysis, turns: Sequence[Turn] = (), card: ReasonerCard | None = None) -> str:
    """The whole analysis and the chat as one JSON object: two spaces indented, keys in a fixed order, a newline last.

    ``card`` says who wrote the assistant's turns; ``None`` where nobody spoke. Read it back with
    ``AnalysisDocument.model_validate_json``.
    """
    plain = document(analysis, turns, card).model_dump(mode="json")
    text = json.dumps(plain, indent=2, ensure_ascii=False, allow_nan=False)
    # A list of numbers belongs on one line. Strings hold no raw line break, so nothing in them can match.
    return NUMBER_LIST.sub(lambda found: f"[{' '.join(found[1].split())}]", text) + "\n"


def document(analysis: Analysis, turns: Sequence[Turn] = (), card: ReasonerCard | None = None) -> AnalysisDocument:
    """The document that ``to_json`` writes, as an object."""
    evidence = analysis.evidence or Evidence(regions=(), action_units=(), coarse=None, emotions=())
    return AnalysisDocument(
        schema_version=SCHEMA_VERSION,
        headline=_text(analysis.headline),
        clip=_clip(analysis.clip),
        face=_face(analysis.face, len(analysis.faces)),
        reliable=bool(analysis.reliable),
        reasons=_texts(analysis.reasons),
        candidates=[_candidate(candidate) for candidate in analysis.spotting.candidates],
        selected=analysis.selected,
        interval=_candidate(analysis.moment.interval) if analysis.moment else None,
        regions=[_region(region) for region in evidence.regions],
        action_units=[_action_unit(unit) for unit in evidence.action_units],
        coarse=_coarse(evidence.coarse),
        emotions=[
            EmotionPart(
                name=_text(emotion.name),
                support=_share(emotion.support),
                reasons_for=_texts(emotion.reasons_for),
                reasons_against=_texts(emotion.reasons_against),
            )
            for emotion in evidence.emotions
        ],
        notes=_texts(evidence.notes),
        spans=[_span(span) for span in analysis.spotting.spans],
        quality=_quality(analysis.verdict, analysis.spotting),
        settings=_plain(analysis.settings),
        provenance=_plain(analysis.provenance),
        reasoner=ReasonerPart(**{key: _plain(value) for key, value in vars(card).items()}) if card else None,
        conversation=[_turn(turn) for turn in turns],
    )


def _turn(turn: Turn) -> TurnPart:
    """A turn as it was shown. Places in the text stay right: cleaning takes no character away."""
    return TurnPart(
        role=turn.role,
        text=_text(turn.text),
        speaker=_text(turn.speaker) or None,
        ended=turn.ended or None,
        statements=[
            StatementPart(**{key: _plain(value) for key, value in vars(one).items()}) for one in turn.statements
        ],
        unchecked=list(turn.unchecked),
        tally=turn.tally or None,
        rewritten=turn.rewritten,
        left_out=turn.left_out,
    )


def _clip(clip: Clip) -> ClipPart:
    return ClipPart(
        name=_file_name(clip.name),
        kind=clip.kind,
        container=_text(clip.container),
        codec=_text(clip.codec),
        width=clip.width,
        height=clip.height,
        rotation_deg=clip.rotation_deg,
        frame_count=clip.frame_count,
        duration_ms=_time(clip.duration_ms),
        frame_rate=_number(clip.frame_rate, PX_DIGITS),
        interval_jitter=_number(clip.interval_jitter, PX_DIGITS),
        repeated_frames=clip.repeated_frames,
        has_sound=clip.has_sound,
        size_bytes=clip.size_bytes,
        sha256=clip.sha256,
        warnings=_texts(clip.warnings),
        times_ms=[_time(time) for time in clip.times_ms],
    )


def _face(face: FaceTrack, faces_found: int) -> FacePart:
    return FacePart(
        track_id=face.track_id,
        faces_found=faces_found,
        frames=len(face.times_ms),
        coverage=_share(face.coverage),
        box_xywh=face.box,
        interocular_px=_px(float(np.median(face.interocular_px))) if len(face.interocular_px) else None,
        interocular_crop_px=_px(face.interocular_crop_px),
    )


def _candidate(interval: Interval) -> CandidatePart:
    return CandidatePart(
        onset_ms=_time(interval.onset_ms),
        apex_ms=_time(interval.apex_ms),
        offset_ms=_time(interval.offset_ms),
        duration_ms=_time(interval.duration_ms),
        kind=interval.kind,
        score=_px(interval.score),
        peak_px=_px(interval.peak_px),
        regions=list(interval.regions),
        complete=interval.complete,
        by_user=interval.by_user,
        warnings=_texts(interval.warnings),
    )


def _region(region: RegionMotion) -> RegionPart:
    return RegionPart(
        key=region.key,
        name=region.name,
        side=region.side,
        magnitude_px=_px(region.magnitude_px),
        magnitude_iod=_px(region.magnitude_iod),
        direction_deg=_number(region.direction_deg, TIME_DIGITS),
        direction=region.direction,
        u_px=_px(region.u_px),
        v_px=_px(region.v_px),
        max_px=_px(region.max_px),
        moving=bool(region.moving),
    )


def _action_unit(unit: ActionUnitEvidence) -> ActionUnitPart:
    return ActionUnitPart(
        au=unit.au,
        name=unit.name,
        side=unit.side,
        probability=_share(unit.probability),
        strength_px=_px(unit.strength_px),
        regions=list(unit.regions),
        witnesses=[
            WitnessPart(
                name=_text(witness.name), probability=_share(witness.probability), statement=_text(witness.statement)
            )
            for witness in unit.witnesses
        ],
        reliability=None if unit.reliability is None else _share(unit.reliability),
    )


def _coarse(coarse: CoarseClass | None) -> CoarsePart | None:
    """The three shares, rounded so that they still sum to 1; ``None`` where they are no shares."""
    if coarse is None:
        return None
    negative, positive = _share(coarse.negative), _share(coarse.positive)
    if negative is None or positive is None or _share(coarse.surprise) is None:
        return None
    surprise = max(0.0, round(1.0 - negative - positive, SHARE_DIGITS))
    return CoarsePart(negative=negative, positive=positive, surprise=surprise)


def _span(span: Span) -> SpanPart:
    return SpanPart(kind=span.kind, start_ms=_time(span.start_ms), end_ms=_time(span.end_ms))


def _quality(verdict: InputVerdict, spotting: Spotting) -> QualityPart:
    return QualityPart(
        severity=verdict.severity,
        headline=_text(verdict.headline),
        checks=[
            CheckPart(
                name=_text(check.name),
                value=_text(check.value),
                severity=check.severity,
                sentence=_text(check.sentence),
            )
            for check in verdict.checks
        ],
        noise_floor_px=_px(spotting.noise_floor_px),
        frames_total=verdict.frames_total,
        frames_face_lost=verdict.frames_face_lost,
        frames_turned_away=verdict.frames_turned_away,
        frames_too_small=verdict.frames_too_small,
        frames_dark=verdict.frames_dark,
        frames_blurred=verdict.frames_blurred,
        frames_cut_off=verdict.frames_cut_off,
    )


# ---------------------------------------------------------------------------------------------- the curve


def to_csv(analysis: Analysis) -> str:
    """The per-frame motion curve of the analysed face, one row for every frame in which it was followed.

    Columns: ``time_ms`` (from the clip's first frame), ``frame`` (index in the clip, from 0), ``segment``
    (displacements compare only within one), ``usable``, ``blink``, ``speech``, ``head_turn`` (0 or 1), ``phase``
    (``onset``: on the way to the apex; ``offset``: on the way back; empty elsewhere), ``energy_px`` (largest
    displacement of a region from its rest, lids left out), ``noise_floor_px``, ``eye_openness_right``,
    ``eye_openness_left`` (aspect ratio), ``mouth_opening`` (lip gap / interocular distance), ``head_speed_px_s``,
    ``rigid_residual_px``, then for every region ``<key>_dx_px``, ``<key>_dy_px`` (displacement since the segment's
    first frame, y down) and ``<key>_energy_px`` (displacement from the local rest). Pixels are those of the 256 px
    crop; left and right are the subject's. An empty cell is a number that could not be measured. Commas, a point for
    decimals, ``\\n`` ends a line.
    """
    curve, spotting = analysis.curve, analysis.spotting
    columns: dict[str, Iterable[object]] = {
        "time_ms": _cells(curve.times_ms, TIME_DIGITS),
        "frame": (int(index) for index in analysis.face.frame_indices),
        "segment": (int(segment) for segment in curve.segment),
        "usable": (int(usable) for usable in curve.usable),
        **{
            name: (int(flag) for flag in _inside(curve.times_ms, spotting.spans, kind))
            for name, kind in (("blink", "blink"), ("speech", "speech"), ("head_turn", "head"))
        },
        "phase": _phases(analysis),
        "energy_px": _cells(spotting.energy_px, PX_DIGITS),
        "noise_floor_px": _cells([spotting.noise_floor_px] * len(curve.times_ms), PX_DIGITS),
        "eye_openness_right": _cells(curve.eye_openness[:, 0], PX_DIGITS),
        "eye_openness_left": _cells(curve.eye_openness[:, 1], PX_DIGITS),
        "mouth_opening": _cells(curve.mouth_opening, PX_DIGITS),
        "head_speed_px_s": _cells(curve.head_speed_px_s, PX_DIGITS),
        "rigid_residual_px": _cells(curve.rigid_residual_px, PX_DIGITS),
    }
    for row, key in enumerate(curve.regions):
        columns[f"{key}_dx_px"] = _cells(curve.displacement_px[:, row, 0], PX_DIGITS)
        columns[f"{key}_dy_px"] = _cells(curve.displacement_px[:, row, 1], PX_DIGITS)
        columns[f"{key}_energy_px"] = _cells(spotting.region_energy_px[:, row], PX_DIGITS)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return text.getvalue()


def _cells(values: Iterable[float], digits: int) -> Iterable[object]:
    numbers = (_number(value, digits) for value in values)
    return ("" if number is None else number for number in numbers)


def _inside(times_ms: FloatArray, spans: Iterable[Span], kind: str) -> BoolArray:
    """Which of the times lie in a span of this kind, both ends counted in."""
    flags = np.zeros(len(times_ms), bool)
    for span in spans:
        if span.kind == kind:
            flags |= (times_ms >= span.start_ms) & (times_ms <= span.end_ms)
    return flags


def _phases(analysis: Analysis) -> list[str]:
    phases = [""] * len(analysis.curve.times_ms)
    if analysis.moment:
        interval = analysis.moment.interval
        phases[interval.onset : interval.apex + 1] = ["onset"] * (interval.apex + 1 - interval.onset)
        phases[interval.apex + 1 : interval.offset + 1] = ["offset"] * (interval.offset - interval.apex)
    return phases


# ---------------------------------------------------------------------------------------------- the pictures


def to_zip(analysis: Analysis, pictures: Mapping[str, Image | bytes] | None = None) -> bytes:
    """A zip of the onset frame, the apex frame and the motion map (PNG), of ``pictures``, and a README.txt.

    ``pictures`` maps a file name to an image (uint8 RGB, RGBA or gray, written as PNG) or to bytes that are a picture
    or film already. Where there is no moment to look at, the zip holds the README.txt and ``pictures``. The same input
    gives the same bytes.
    """
    files: dict[str, bytes] = {}
    if analysis.moment:
        moment = analysis.moment
        files["onset.png"] = png_bytes(moment.onset_rgb)
        files["apex.png"] = png_bytes(moment.apex_rgb)
        files["motion_map.png"] = png_bytes(moment.motion_map)
    for wanted, picture in (pictures or {}).items():
        name = _file_name(wanted)
        if isinstance(picture, bytes):
            files[name] = picture
        else:
            files[str(PurePath(name).with_suffix(".png"))] = png_bytes(picture)
    files["README.txt"] = _zip_readme(analysis, files).encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, ZIP_DATE), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def png_bytes(image: Image) -> bytes:
    """An image (uint8; gray, RGB or RGBA) as PNG."""
    from PIL import Image as Pillow

    data = io.BytesIO()
    Pillow.fromarray(np.ascontiguousarray(image)).save(data, "PNG")
    return data.getvalue()


def _zip_readme(analysis: Analysis, names: Iterable[str]) -> str:
    lines = ["The finding", "", analysis.headline]
    if analysis.reasons:
        lines += ["", *(f"- {reason}" for reason in analysis.reasons)]
    if analysis.moment:
        interval = analysis.moment.interval
        lines += [
            "",
            f"Onset {interval.onset_ms:.0f} ms, apex {interval.apex_ms:.0f} ms, offset {interval.offset_ms:.0f} ms"
            + (" (set by hand)." if interval.by_user else "."),
        ]
    lines += ["", f"Clip: {_file_name(analysis.clip.name)} (SHA-256 {analysis.clip.sha256})", "", "Files", ""]
    lines += [f"- {name}" + (f": {PICTURE_NOTES[name]}" if name in PICTURE_NOTES else "") for name in names]
    lines += ["", "Left and right are those of the person shown.", "", "Please keep in mind", ""]
    lines += [f"- {sentence}" for sentence in HONESTY]
    return _text("\n".join(lines)) + "\n"


# ---------------------------------------------------------------------------------------------- plain values


def _number(value: float, digits: int) -> float | None:
    """Rounded; ``None`` where it is not finite; never −0."""
    number = float(value)
    return round(number, digits) + 0.0 if math.isfinite(number) else None


def _px(value: float) -> float | None:
    return _number(value, PX_DIGITS)


def _share(value: float) -> float | None:
    return _number(value, SHARE_DIGITS)


def _time(value: float) -> float:
    return round(float(value), TIME_DIGITS) + 0.0


def _text(text: str) -> str:
    """Text that can be written as UTF-8 and steers no terminal; what cannot be is replaced, one sign for each."""
    return wording.legible(text, instead="�")


def _texts(texts: Iterable[str]) -> list[str]:
    return [_text(text) for text in texts]


def _file_name(name: str) -> str:
    """The last part of a path of either kind of system, fit to be shown."""
    return wording.file_name(_text(name))


def _without_folders(text: str) -> str:
    return ABSOLUTE_PATH.sub(lambda found: _file_name(found[0]), _text(text))


def _plain(value: Any) -> Any:
    """Settings and provenance as plain JSON values, without secrets, folders and pixels.

    Raises TypeError for what is no plain data.
    """
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float | np.floating):
        return _number(float(value), SHARE_DIGITS)
    if isinstance(value, np.bool_ | np.integer):
        return value.item()
    if isinstance(value, str):
        return _without_folders(value)
    if isinstance(value, PurePath):
        return _file_name(str(value))
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items() if not SECRET_KEY.search(str(key))}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in (sorted(value) if isinstance(value, set | frozenset) else value)]
    raise TypeError(f"{type(value).__name__} is no plain data and cannot be exported.")
