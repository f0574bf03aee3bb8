"""An analysis and the chat about it → the document, and the document as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import numpy as np

from mellm_demo.export import plain
from mellm_demo.export.schema import (
    SCHEMA_VERSION,
    ActionUnitPart,
    AnalysisDocument,
    CandidatePart,
    CheckPart,
    ClipPart,
    CoarsePart,
    EmotionPart,
    FacePart,
    QualityPart,
    ReasonerPart,
    RegionPart,
    SpanPart,
    StatementPart,
    TurnPart,
    WitnessPart,
)
from mellm_demo.records import (
    ActionUnitEvidence,
    Analysis,
    Clip,
    CoarseClass,
    Evidence,
    FaceTrack,
    InputVerdict,
    Interval,
    ReasonerCard,
    RegionMotion,
    Span,
    Spotting,
    Turn,
)

NUMBER_LIST = re.compile(r"\[\n\s+([-+0-9.eE,\s]+?)\n\s+\]")


def to_json(analysis: Analysis, turns: Sequence[Turn] = (), card: ReasonerCard | None = None) -> str:
    """The whole analysis and the chat as one JSON object: two spaces indented, keys in a fixed order, a newline last.

    ``card`` says who wrote the assistant's turns; ``None`` where nobody spoke. Read it back with
    ``AnalysisDocument.model_validate_json``.
    """
    content = document(analysis, turns, card).model_dump(mode="json")
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    # A list of numbers belongs on one line. Strings hold no raw line break, so nothing in them can match.
    return NUMBER_LIST.sub(lambda found: f"[{' '.join(found[1].split())}]", text) + "\n"


def document(analysis: Analysis, turns: Sequence[Turn] = (), card: ReasonerCard | None = None) -> AnalysisDocument:
    """The document that ``to_json`` writes, as an object."""
    evidence = analysis.evidence or Evidence(regions=(), action_units=(), coarse=None, emotions=())
    return AnalysisDocument(
        schema_version=SCHEMA_VERSION,
        headline=plain.text(analysis.headline),
        clip=_clip(analysis.clip),
        face=_face(analysis.face, len(analysis.faces)),
        reliable=bool(analysis.reliable),
        reasons=plain.texts(analysis.reasons),
        candidates=[_candidate(candidate) for candidate in analysis.spotting.candidates],
        selected=analysis.selected,
        interval=_candidate(analysis.moment.interval) if analysis.moment else None,
        regions=[_region(region) for region in evidence.regions],
        action_units=[_action_unit(unit) for unit in evidence.action_units],
        coarse=_coarse(evidence.coarse),
        emotions=[
            EmotionPart(
                name=plain.text(emotion.name),
                support=plain.share(emotion.support),
                reasons_for=plain.texts(emotion.reasons_for),
                reasons_against=plain.texts(emotion.reasons_against),
            )
            for emotion in evidence.emotions
        ],
        notes=plain.texts(evidence.notes),
        spans=[_span(span) for span in analysis.spotting.spans],
        quality=_quality(analysis.verdict, analysis.spotting),
        settings=plain.data(analysis.settings),
        provenance=plain.data(analysis.provenance),
        reasoner=ReasonerPart(**{key: plain.data(value) for key, value in vars(card).items()}) if card else None,
        conversation=[_turn(turn) for turn in turns],
    )


def _turn(turn: Turn) -> TurnPart:
    """A turn as it was shown. Places in the text stay right: cleaning takes no character away."""
    return TurnPart(
        role=turn.role,
        text=plain.text(turn.text),
        speaker=plain.text(turn.speaker) or None,
        ended=turn.ended or None,
        statements=[
            StatementPart(**{key: plain.data(value) for key, value in vars(one).items()}) for one in turn.statements
        ],
        unchecked=list(turn.unchecked),
        tally=turn.tally or None,
        rewritten=turn.rewritten,
        left_out=turn.left_out,
    )


def _clip(clip: Clip) -> ClipPart:
    return ClipPart(
        name=plain.file_name(clip.name),
        kind=clip.kind,
        container=plain.text(clip.container),
        codec=plain.text(clip.codec),
        width=clip.width,
        height=clip.height,
        rotation_deg=clip.rotation_deg,
        frame_count=clip.frame_count,
        duration_ms=plain.time(clip.duration_ms),
        frame_rate=plain.number(clip.frame_rate, plain.PX_DIGITS),
        interval_jitter=plain.number(clip.interval_jitter, plain.PX_DIGITS),
        repeated_frames=clip.repeated_frames,
        has_sound=clip.has_sound,
        size_bytes=clip.size_bytes,
        sha256=clip.sha256,
        warnings=plain.texts(clip.warnings),
        times_ms=[plain.time(time) for time in clip.times_ms],
    )


def _face(face: FaceTrack, faces_found: int) -> FacePart:
    return FacePart(
        track_id=face.track_id,
        faces_found=faces_found,
        frames=len(face.times_ms),
        coverage=plain.share(face.coverage),
        box_xywh=face.box,
        interocular_px=plain.px(float(np.median(face.interocular_px))) if len(face.interocular_px) else None,
        interocular_crop_px=plain.px(face.interocular_crop_px),
    )


def _candidate(interval: Interval) -> CandidatePart:
    return CandidatePart(
        onset_ms=plain.time(interval.onset_ms),
        apex_ms=plain.time(interval.apex_ms),
        offset_ms=plain.time(interval.offset_ms),
        duration_ms=plain.time(interval.duration_ms),
        kind=interval.kind,
        score=plain.px(interval.score),
        peak_px=plain.px(interval.peak_px),
        regions=list(interval.regions),
        complete=interval.complete,
        by_user=interval.by_user,
        warnings=plain.texts(interval.warnings),
    )


def _region(region: RegionMotion) -> RegionPart:
    return RegionPart(
        key=region.key,
        name=region.name,
        side=region.side,
        magnitude_px=plain.px(region.magnitude_px),
        magnitude_iod=plain.px(region.magnitude_iod),
        direction_deg=plain.number(region.direction_deg, plain.TIME_DIGITS),
        direction=region.direction,
        u_px=plain.px(region.u_px),
        v_px=plain.px(region.v_px),
        max_px=plain.px(region.max_px),
        moving=bool(region.moving),
    )


def _action_unit(unit: ActionUnitEvidence) -> ActionUnitPart:
    return ActionUnitPart(
        au=unit.au,
        name=unit.name,
        side=unit.side,
        probability=plain.share(unit.probability),
        strength_px=plain.px(unit.strength_px),
        regions=list(unit.regions),
        witnesses=[
            WitnessPart(
                name=plain.text(witness.name),
                probability=plain.share(witness.probability),
                statement=plain.text(witness.statement),
            )
            for witness in unit.witnesses
        ],
        reliability=None if unit.reliability is None else plain.share(unit.reliability),
    )


def _coarse(coarse: CoarseClass | None) -> CoarsePart | None:
    """The three shares, rounded so that they still sum to 1; ``None`` where they are no shares."""
    if coarse is None:
        return None
    negative, positive = plain.share(coarse.negative), plain.share(coarse.positive)
    if negative is None or positive is None or plain.share(coarse.surprise) is None:
        return None
    surprise = max(0.0, round(1.0 - negative - positive, plain.SHARE_DIGITS))
    return CoarsePart(negative=negative, positive=positive, surprise=surprise)


def _span(span: Span) -> SpanPart:
    return SpanPart(kind=span.kind, start_ms=plain.time(span.start_ms), end_ms=plain.time(span.end_ms))


def _quality(verdict: InputVerdict, spotting: Spotting) -> QualityPart:
    return QualityPart(
        severity=verdict.severity,
        headline=plain.text(verdict.headline),
        checks=[
            CheckPart(
                name=plain.text(check.name),
                value=plain.text(check.value),
                severity=check.severity,
                sentence=plain.text(check.sentence),
            )
            for check in verdict.checks
        ],
        noise_floor_px=plain.px(spotting.noise_floor_px),
        frames_total=verdict.frames_total,
        frames_face_lost=verdict.frames_face_lost,
        frames_turned_away=verdict.frames_turned_away,
        frames_too_small=verdict.frames_too_small,
        frames_dark=verdict.frames_dark,
        frames_blurred=verdict.frames_blurred,
        frames_cut_off=verdict.frames_cut_off,
    )
