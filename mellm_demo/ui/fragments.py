"""The finding in markup: headline, chips, states, small print. Data in, HTML out; what is foreign is escaped."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from mellm_demo import facs, wording
from mellm_demo.reasoning.choice import short_name
from mellm_demo.records import Analysis, Interval, ReasonerCard, RegionMotion
from mellm_demo.settings import Settings

NARROW_SPACE = "\u202f"
STAGE_NAMES: tuple[str, ...] = ("reading", "finding the face", "measuring motion", "looking for moments", "drawing")
SENTENCE_END = re.compile(r"(?<=[.!?。！？])\s+(?=\S)")
VERDICT_WORDS = {"ok": "input ok", "note": "input: a note", "warning": "input: read this", "unusable": "input unusable"}


# ------------------------------------------------------------------------------------------ figures


def grouped(value: float) -> str:
    """``1240`` → ``1 240``."""
    return f"{value:,.0f}".replace(",", NARROW_SPACE)


def milliseconds(value: float) -> str:
    """A time or duration with its unit: “180 ms”."""
    return f"{grouped(value)}{NARROW_SPACE}ms"


def seconds(value_ms: float) -> str:
    """Milliseconds, shown in seconds: “1.24 s”."""
    return f"{value_ms / 1000:.2f}{NARROW_SPACE}s"


def side_words(side: str | None) -> str:
    """The subject's side as the page says it."""
    return {"left": "subject’s left", "right": "subject’s right", "both": "both sides", None: "middle"}[side]


def region_title(region: RegionMotion) -> str:
    """“inner brow, left”."""
    return region.name if region.side is None else f"{region.name}, {region.side}"


def one_sentence_and_rest(text: str) -> tuple[str, str]:
    parts = SENTENCE_END.split(text.strip(), maxsplit=1)
    return parts[0], parts[1] if len(parts) > 1 else ""


# ------------------------------------------------------------------------------------------ states


def limits_line(settings: Settings) -> str:
    """What may be brought, before anything is uploaded."""
    side = math.isqrt(settings.max_pixels * 9 // 16)
    return (
        f"mp4 · mov · webm · avi · mkv · gif, up to {settings.max_upload_mb:g}{NARROW_SPACE}MB, "
        f"{settings.max_seconds:g}{NARROW_SPACE}s, {grouped(settings.max_frames)} frames, "
        f"{side * 16 // 9}{NARROW_SPACE}×{NARROW_SPACE}{side} pixels"
    )


def reading(stage: str, share: float, name: str) -> str:
    """A progress bar that names its stage. ``share`` is 0..1 of the whole."""
    percent = round(100 * min(max(share, 0.0), 1.0))
    now = STAGE_NAMES.index(stage) if stage in STAGE_NAMES else -1
    steps = "".join(
        f"<li class='{'done' if i < now else 'now' if i == now else 'todo'}'>{escape(step)}</li>"
        for i, step in enumerate(STAGE_NAMES)
    )
    return (
        "<section class='card reading' aria-live='polite'>"
        f"<p class='reading-title'><strong>{escape(stage.capitalize())}</strong>"
        f"<span class='subdued'>{escape(name)}</span></p>"
        f"<div class='bar' role='progressbar' aria-label='Analysis' aria-valuemin='0' aria-valuemax='100' "
        f"aria-valuenow='{percent}'><i style='width:{percent}%'></i></div><ol class='steps'>{steps}</ol></section>"
    )


def trouble(message: str, *, keeps: bool) -> str:
    """What went wrong, in the words of the error: first sentence large, then what to do."""
    what, what_to_do = one_sentence_and_rest(message)
    kept = "<p class='subdued'>The finding below is the earlier one.</p>" if keeps else ""
    return (
        f"<section class='card trouble' role='alert'><h2>{escape(what)}</h2>"
        f"{f'<p>{escape(what_to_do)}</p>' if what_to_do else ''}{kept}</section>"
    )


# ------------------------------------------------------------------------------------------ finding


def _sides(analysis: Analysis) -> str | None:
    units = analysis.evidence.action_units if analysis.evidence else ()
    sides = {unit.side for unit in units[:1]}
    return side_words(sides.pop()) if sides else None


def finding(analysis: Analysis) -> str:
    """Headline, what it rests on, chips. The verdict chip opens the quality section."""
    first, rest = one_sentence_and_rest(analysis.headline)
    chips = []
    if analysis.moment is not None:
        interval = analysis.moment.interval
        chips += [interval.kind, milliseconds(interval.duration_ms)]
        if analysis.reliable and (sides := _sides(analysis)):
            chips.append(sides)
        if interval.by_user:
            chips.append("your moment")
        if not interval.complete:
            chips.append("clip ends within it")
    chip_marks = "".join(f"<span class='chip'>{escape(chip)}</span>" for chip in chips)
    verdict = analysis.verdict
    chip_marks += (
        f"<a class='chip chip-{verdict.severity}' href='#mellm-quality' title='{escape(verdict.headline, quote=True)}'>"
        f"{VERDICT_WORDS[verdict.severity]}</a>"
    )
    reasons = [reason for reason in analysis.reasons if reason.rstrip(".").lower() not in analysis.headline.lower()]
    return (
        f"<section class='finding {'found' if analysis.reliable else 'unsure'}' aria-live='polite'>"
        f"<h2>{escape(first)}</h2>{f'<p class=lede>{escape(rest)}</p>' if rest else ''}"
        f"{listed(reasons, 'reasons')}"
        f"<div class='chips'>{chip_marks}</div>"
        "<p class='subdued principle'>Motion is measured, emotion is inferred. Left and right are the subject’s.</p>"
        "</section>"
    )


def listed(items: Iterable[str], css: str) -> str:
    """Sentences as a list, each with a capital; nothing where there are none."""
    marks = "".join(f"<li>{escape(item[:1].upper() + item[1:])}</li>" for item in items)
    return f"<ul class='{css}'>{marks}</ul>" if marks else ""


# ------------------------------------------------------------------------------------------ the rest


def computed(analysis: Analysis) -> str:
    """Versions, checksums and settings of this analysis."""
    clip = analysis.clip
    facts: dict[str, Any] = {
        "clip": f"{wording.file_name(clip.name)}, {clip.container} {clip.codec}, {clip.width} × {clip.height}, "
        f"{clip.frame_count} frames",
        "SHA-256": clip.sha256,
        **{f"setting: {key}": value for key, value in analysis.settings.items()},
        **_flat(analysis.provenance),
    }
    rows = "".join(f"<dt>{escape(str(key))}</dt><dd>{escape(str(value))}</dd>" for key, value in facts.items())
    return f"<dl class='facts'>{rows}</dl>"


def _flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        name = f"{prefix}{key}"
        flat |= _flat(value, f"{name}: ") if isinstance(value, Mapping) else {name: value}
    return flat


def clip_line(analysis: Analysis) -> str:
    """The title of the input card once a clip was measured."""
    clip = analysis.clip
    if clip.kind == "pair":
        return f"{wording.file_name(clip.name)} · onset and apex"
    return f"{wording.file_name(clip.name)} · {seconds(clip.duration_ms)} · {clip.frame_rate:.4g} frames/s"


def alternative_text(analysis: Analysis, what: str, interval: Interval) -> str:
    """What a picture of the stage shows, with the finding."""
    moving = [
        r
        for r in (analysis.evidence.regions if analysis.evidence else ())
        if r.moving and not facs.REGION_BY_KEY[r.key].lid
    ]
    strongest = ", ".join(
        f"{region_title(region)} {region.magnitude_px:.1f} px {region.direction}"
        for region in sorted(moving, key=lambda region: -region.magnitude_px)[:4]
    )
    motion = f"Moving: {strongest}." if strongest else "No region moves above the noise."
    when = f"Onset {milliseconds(interval.onset_ms)}, apex {milliseconds(interval.apex_ms)}."
    return f"{what} {motion} {analysis.headline} {when}"


def card(card: ReasonerCard, state: str = "") -> str:
    """Who speaks · precision · device · why; what goes on there."""
    parts = [card.size, card.precision, card.device]
    line = " · ".join(escape(part) for part in parts if part and part not in ("–", "-"))
    name = f'<b title="{escape(card.name)}">{escape(short_name(card.name))}</b>'
    return (
        f"<div class='speaker'>{name}<span class='subdued'>{line}</span>"
        f"<span class='subdued why'>{escape(card.why)}</span>"
        + (f"<span class='state' role='status'>{escape(state)}</span>" if state else "")
        + "</div>"
    )


def notice(card: ReasonerCard) -> str:
    """What its text is: under the field for questions."""
    return f"<p class='notice subdued'>{escape(card.notice)}</p>"
