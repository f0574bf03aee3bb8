"""What an input allows, in sentences for who filmed it: each check with its value, weight and consequence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from mellm_demo.face.following import FaceResult
from mellm_demo.face.quality import DARK, blurred_rows, dark_rows, facing_rows
from mellm_demo.records import Check, Clip, FaceTrack, InputVerdict, Severity
from mellm_demo.settings import Settings

BRIGHT = 235.0
# Variance of the Laplacian of the crop; clear clips lose this much by a blur of 2 % of the pupils' distance.
SOFT = 12.0
CLEAR = 40.0  # clear clips have 44 to 360
SHORTEST_FRAMES = 3  # onset, apex, offset: what takes less cannot be seen
_SEVERITIES: tuple[Severity, ...] = ("ok", "note", "warning", "unusable")


def input_verdict(clip: Clip, track: FaceTrack | None, result: FaceResult, settings: Settings) -> InputVerdict:
    """What this input allows: each check with its value, its weight and what follows from it.

    ``track`` is the face that is analysed, ``None`` where there is none (then only the clip is judged).
    """
    checks = [*_clip_checks(clip)]
    lost = turned = small = dark = blurred = cut_off = 0
    if track is None:
        checks.append(Check("face found", "none", "unusable", "Without a face there is nothing to measure."))
    else:
        total, rows = result.frames_total, len(track.times_ms)
        lost = max(total - rows, 0)
        turned = rows - int(facing_rows(track, settings).sum())
        small = int((track.interocular_px < settings.min_interocular_px).sum())
        dark = int(dark_rows(track).sum())
        blurred = int(blurred_rows(track).sum())
        cut_off = rows - int(track.inside.sum())
        checks += [
            _presence_check(lost, total),
            _size_check(track, small, settings),
            _pose_check(track, turned, settings),
            _sharpness_check(track, blurred),
            _light_check(track, dark),
            _framing_check(cut_off, rows),
        ]
        if result.faces_at_least > 1:
            checks.append(_crowd_check(track, result))
    severity = max((check.severity for check in checks), key=_SEVERITIES.index)
    return InputVerdict(
        severity=severity,
        headline=_headline(severity, checks, clip, track),
        checks=tuple(checks),
        frames_total=result.frames_total,
        frames_face_lost=lost,
        frames_turned_away=turned,
        frames_too_small=small,
        frames_dark=dark,
        frames_blurred=blurred,
        frames_cut_off=cut_off,
    )


def _clip_checks(clip: Clip) -> Iterator[Check]:
    if clip.frame_count < 2:
        yield Check("frame rate", "1 frame", "unusable", "One frame holds no motion; at least two are needed.")
        return
    if clip.kind == "pair":
        yield Check(
            "frame rate", "2 frames", "note",
            "Only the difference between the two frames can be seen, not when and how fast it came about.",
        )  # fmt: skip
    else:
        yield _rate_check(clip)
        yield _regularity_check(clip)
    for warning in clip.warnings:
        yield Check("file", clip.container, "note", warning)


def _true_rate(clip: Clip) -> float:
    """Frames/s that show something new."""
    new = clip.frame_count - 1 - clip.repeated_frames
    return clip.frame_rate * max(new, 1) / max(clip.frame_count - 1, 1)


def _rate_check(clip: Clip) -> Check:
    rate = _true_rate(clip)
    shortest = SHORTEST_FRAMES * 1000.0 / rate
    limit = f"At {_number(rate)} frames/s nothing shorter than {shortest:.0f} ms can be seen"
    severity: Severity
    if rate >= 100.0:
        severity, sentence = "ok", f"{limit}: enough to follow the course of a micro-expression."
    elif rate >= 50.0:
        severity, sentence = "ok", f"{limit}; the course of a micro-expression shows roughly."
    elif rate >= 23.0:
        severity, sentence = "note", f"{limit}: it shows that something moved, hardly its course."
    elif rate >= 12.0:
        severity, sentence = "warning", f"{limit}: short micro-expressions fall between the frames."
    else:
        severity = "warning"
        sentence = f"{limit}: most micro-expressions (up to 500 ms) are missed. Film with at least 25 frames/s."
    return Check("frame rate", f"{rate:.1f} frames/s", severity, sentence)


def _regularity_check(clip: Clip) -> Check:
    repeated = clip.repeated_frames / max(clip.frame_count - 1, 1)
    if repeated > 0.02:
        severity: Severity = "warning" if repeated > 0.2 else "note"
        return Check(
            "regularity", f"{clip.repeated_frames} frames repeated", severity,
            f"{clip.repeated_frames} of {clip.frame_count} frames repeat the one before: the clip says "
            f"{_number(clip.frame_rate)} frames/s but shows {_number(_true_rate(clip))}.",
        )  # fmt: skip
    jitter = f"intervals vary by {100.0 * clip.interval_jitter:.0f} %"
    if clip.interval_jitter < 0.05:
        return Check("regularity", "regular", "ok", "The frames come at regular intervals.")
    if clip.interval_jitter < 0.4:
        return Check("regularity", jitter, "note", "The frame rate varies; true timestamps are used throughout.")
    return Check(
        "regularity", jitter, "warning",
        "The frames come at very irregular intervals; what happened in the longer ones is not seen.",
    )  # fmt: skip


def _presence_check(lost: int, total: int) -> Check:
    if not lost:
        return Check("face found", f"in all {total} frames", "ok", "The face is followed through the whole clip.")
    severity: Severity = "note" if lost < 0.2 * total else "warning"
    return Check(
        "face found", f"in {total - lost} of {total} frames", severity,
        f"The face was not found in {lost} of {total} frames; motion is measured on either side of the gaps only.",
    )  # fmt: skip


def _size_check(track: FaceTrack, small: int, settings: Settings) -> Check:
    size = float(np.median(track.interocular_px))
    value = f"{size:.0f} px between the pupils"
    least = settings.min_interocular_px
    if size < least:
        return Check(
            "face size", value, "unusable",
            f"The face is smaller than {least:.0f} px between the pupils in {small} of {len(track.times_ms)} frames: "
            "too few pixels to measure. Film closer.",
        )  # fmt: skip
    if size < 1.5 * least:
        return Check(
            "face size", value, "warning",
            "The face is small: motion of less than a pixel, as in micro-expressions, drowns in noise.",
        )  # fmt: skip
    if size < 2.3 * least:
        return Check("face size", value, "note", "The face is rather small; faint motion may be missed.")
    return Check("face size", value, "ok", "The face is large enough to measure faint motion.")


def _pose_check(track: FaceTrack, turned: int, settings: Settings) -> Check:
    rows = len(track.times_ms)
    yaw, pitch = (float(v) for v in np.median(track.pose_deg[:, :2], axis=0))
    side = "left" if yaw > 0 else "right"
    value = f"{abs(yaw):.0f}° to the subject's {side}, {abs(pitch):.0f}° {'up' if pitch > 0 else 'down'}"
    if turned:
        severity: Severity = "unusable" if turned == rows else "note" if turned < 0.2 * rows else "warning"
        return Check(
            "pose", value, severity,
            f"The face is turned too far (beyond {settings.max_yaw_deg:.0f}° to the side or "
            f"{settings.max_pitch_deg:.0f}° up or down) in {turned} of {rows} frames; these are left out.",
        )  # fmt: skip
    if abs(yaw) > 0.6 * settings.max_yaw_deg:
        return Check("pose", value, "note", "The face is turned; motion on its far side is foreshortened.")
    return Check("pose", value, "ok", "The face looks towards the camera.")


def _sharpness_check(track: FaceTrack, blurred: int) -> Check:
    rows = len(track.times_ms)
    sharpness = float(np.median(track.sharpness))
    if sharpness < SOFT:
        return Check(
            "blur", f"sharpness {sharpness:.0f}", "warning",
            f"The picture is blurred or strongly compressed (sharpness {sharpness:.0f}, clear clips have "
            f"{CLEAR:.0f} and more): faint motion may be missed.",
        )  # fmt: skip
    if blurred:
        severity: Severity = "note" if blurred < 0.2 * rows else "warning"
        return Check(
            "blur", f"{blurred} frames blurred", severity,
            f"{blurred} of {rows} frames are much less sharp than the others, by motion or focus; these are left out.",
        )  # fmt: skip
    return Check("blur", f"sharpness {sharpness:.0f}", "ok", "The picture is sharp enough.")


def _light_check(track: FaceTrack, dark: int) -> Check:
    rows = len(track.times_ms)
    level = float(np.median(track.brightness))
    value = f"brightness {level:.0f} of 255"
    if dark:
        severity: Severity = "unusable" if dark == rows else "note" if dark < 0.2 * rows else "warning"
        return Check("light", value, severity, f"The face is too dark in {dark} of {rows} frames; these are left out.")
    if level < 2 * DARK:
        return Check("light", value, "note", "The face is rather dark; noise hides faint motion.")
    if level > BRIGHT:
        return Check("light", value, "warning", "The face is overexposed; where it is white nothing can be measured.")
    return Check("light", value, "ok", "The face is well lit.")


def _framing_check(cut_off: int, rows: int) -> Check:
    if not cut_off:
        return Check("framing", "whole face in the picture", "ok", "The whole face is in the picture.")
    severity: Severity = "unusable" if cut_off == rows else "note" if cut_off < 0.2 * rows else "warning"
    return Check(
        "framing", f"cut off in {cut_off} frames", severity,
        f"The face is partly outside the picture in {cut_off} of {rows} frames; these are left out.",
    )  # fmt: skip


def _crowd_check(track: FaceTrack, result: FaceResult) -> Check:
    followed = len(result.tracks)
    others = f"; {followed} are followed and can be chosen" if followed > 1 else "; only one could be followed"
    return Check(
        "faces", f"at least {result.faces_at_least}", "note",
        f"At least {result.faces_at_least} faces are in the picture{others}. This is face {track.track_id}.",
    )  # fmt: skip


def _headline(severity: Severity, checks: Sequence[Check], clip: Clip, track: FaceTrack | None) -> str:
    worst = [check for check in checks if check.severity == severity]
    if severity == "unusable" or track is None:
        return f"Input not usable: {worst[0].sentence[0].lower()}{worst[0].sentence[1:]}"
    facts = [] if clip.kind == "pair" else [f"{_number(_true_rate(clip))} frames/s"]
    facts.append(f"face {np.median(track.interocular_px):.0f} px between the pupils")
    if severity == "warning":
        concerns = ", ".join(dict.fromkeys(check.name for check in worst))
        return f"Input usable with care ({concerns}): {', '.join(facts)}."
    facts.append("steady" if _is_steady(track) else "the head moves")
    return f"Input usable: {', '.join(facts)}."


def _is_steady(track: FaceTrack) -> bool:
    spread = np.percentile(track.pose_deg, 95, axis=0) - np.percentile(track.pose_deg, 5, axis=0)
    return bool(spread.max() < 8.0)


def _number(value: float) -> str:
    """“30”, “29.97” or “23.98”: no more digits than needed."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
