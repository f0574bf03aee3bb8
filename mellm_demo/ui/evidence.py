"""The evidence in markup: action units on the face and as bars, what they may express, regions, quality of the input.

An Analysis in, HTML out; what is foreign is escaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from mellm_demo import facs, wording
from mellm_demo.records import (
    RULES,
    ActionUnitEvidence,
    Analysis,
    Check,
    CoarseClass,
    EmotionHypothesis,
    InputVerdict,
    RegionMotion,
    Witness,
)
from mellm_demo.ui.fragments import listed, region_title, side_words
from mellm_demo.ui.overlay import units_drawing
from mellm_demo.ui.pictures import jpeg

NOT_CLAIMED = (
    "The finding is not reliable, so nothing of this is claimed. If the movement were more than chance, it would fit:"
)


def evidence(analysis: Analysis) -> str:
    """Action units with side, probability, reliability and witnesses; what they may express; regions; quality."""
    found = analysis.evidence
    feelings = regions = notes = ""
    if found is None:
        units = "<p class='subdued'>Without a movement above the noise there is no action unit to name.</p>"
    else:
        units = _action_units(analysis, found.action_units)
        if analysis.reliable:
            feelings = _expression(found.coarse, found.emotions)
            notes = listed(found.notes, "notes")
        regions = _fold("regions", "Regions", f"{sum(r.moving for r in found.regions)} moved", _regions(found.regions))
    quality = _fold("quality", "Quality of the input", analysis.verdict.headline, _quality(analysis.verdict))
    return (
        f"<section class='card evidence'><h3>Evidence</h3>{units}{feelings}{notes}"
        f"<div class='folds'>{regions}{quality}</div></section>"
    )


def _fold(key: str, title: str, summary: str, body: str) -> str:
    return (
        f"<details class='fold' id='mellm-{key}'><summary><span>{escape(title)}</span>"
        f"<span class='subdued'>{escape(summary)}</span></summary><div class='fold-body'>{body}</div></details>"
    )


def _action_units(analysis: Analysis, units: Sequence[ActionUnitEvidence]) -> str:
    if not units:
        return "<p class='subdued'>The movement fits none of the action units that can be told apart.</p>"
    rows = "".join(map(_action_unit, units))
    if not analysis.reliable:
        return f"<p class='subdued unclaimed'>{NOT_CLAIMED}</p><ul class='units faint'>{rows}</ul>"
    return f"<div class='on-face'>{_face(analysis, units)}<ul class='units'>{rows}</ul></div>"


def _face(analysis: Analysis, units: Sequence[ActionUnitEvidence]) -> str:
    """The face at the apex with the units drawn where they act."""
    drawn = units_drawing(analysis)
    if drawn is None or analysis.moment is None:
        return ""
    text = "The face at the apex with the action units where they act: " + "; ".join(map(_in_words, units)) + "."
    return (
        f"<figure class='picture units-face'><img src='{jpeg(analysis.moment.apex_rgb)}' "
        f"alt='{escape(text, quote=True)}'>"
        f"<img class='over' src='{drawn}' alt=''></figure>"
    )


def _in_words(unit: ActionUnitEvidence) -> str:
    return (
        f"AU{unit.au}, {unit.name}, {side_words(unit.side)}, at the {places(unit)}: "
        f"{wording.scale(unit)} {unit.probability:.2f} of 1"
    )


def places(unit: ActionUnitEvidence) -> str:
    """The regions that a unit rests on, each kind once: “mouth corner and nasolabial fold”."""
    names = [facs.REGION_BY_KEY[key].name for key in unit.regions if key in facs.REGION_BY_KEY]
    return wording.joined(list(dict.fromkeys(names))) or "face"


def _action_unit(unit: ActionUnitEvidence) -> str:
    percent = round(100 * unit.probability)
    says = "; ".join(_says(witness) for witness in unit.witnesses)
    return (
        f"<li><div class='unit-name'><b>AU{unit.au}</b> <span>{escape(unit.name)}</span>"
        f"<span class='side'>{escape(places(unit))}, {side_words(unit.side)}</span></div>"
        f"<div class='unit-bar' role='meter' aria-label='{escape(_in_words(unit), quote=True)}' "
        f"aria-valuemin='0' aria-valuemax='100' aria-valuenow='{percent}'><i style='width:{percent}%'></i></div>"
        f"<div class='unit-value'><b>{unit.probability:.2f}</b> <span>{wording.scale(unit)}</span></div>"
        f"<div class='unit-px subdued'>{unit.strength_px:.1f} px</div>"
        f"<div class='unit-badges'>{_reliability(unit.reliability)} {_vouchers(unit.witnesses)}</div>"
        f"<div class='unit-why subdued'>{escape(says)}</div></li>"
    )


def _says(witness: Witness) -> str:
    """What a witness goes by. The rules' statement speaks for itself; another's begins with its name."""
    return (
        witness.statement
        if witness.name == RULES and witness.probability > 0
        else f"{witness.name} {witness.statement}"
    )


def _vouchers(witnesses: Sequence[Witness]) -> str:
    """Whom this unit rests on: those who give it a chance."""
    names = ", ".join(witness.name for witness in witnesses if witness.probability > 0) or "nobody"
    return f"<span class='badge' title='Who was asked about this action unit'>by {escape(names)}</span>"


GOOD, FAIR = 0.75, 0.5  # F1 from which a unit's reliability is called so


def _reliability(measured: float | None) -> str:
    """How well the trained head reads this unit on real clips of people whom it had not seen."""
    if measured is None:
        return (
            "<span class='badge badge-none' title='The trained network was not asked about this unit or does not know "
            "it; what the rules read was never measured on real clips'>not measured on real clips</span>"
        )
    word = "good" if measured >= GOOD else "fair" if measured >= FAIR else "poor"
    return (
        f"<span class='badge badge-{word}' title='F1 of the trained network for this action unit on real "
        f"micro-expressions of people whom it had not seen; 1 is perfect'>reliability {measured:.2f}, {word}</span>"
    )


def _expression(coarse: CoarseClass | None, emotions: Sequence[EmotionHypothesis]) -> str:
    if coarse is None and not emotions:
        return ""
    shares = ""
    if coarse is not None:
        parts = (("negative", coarse.negative), ("positive", coarse.positive), ("surprise", coarse.surprise))
        shares = "<div class='shares' role='img' aria-label='{}'>{}</div>".format(
            ", ".join(f"{name} {value:.0%}" for name, value in parts),
            "".join(
                f"<span style='flex-grow:{max(value, 0.02):.3f}' class='share-{name}'><b>{name}</b> {value:.0%}</span>"
                for name, value in parts
            ),
        )
    readings = "".join(map(_emotion, emotions))
    return (
        "<h4>What it may express <span class='subdued'>tentative: the same movement serves several feelings</span></h4>"
        f"{shares}<ul class='readings'>{readings}</ul>"
    )


def _emotion(emotion: EmotionHypothesis) -> str:
    lines = "".join(f"<li class='for'><span>for</span>{escape(reason)}</li>" for reason in emotion.reasons_for)
    lines += "".join(
        f"<li class='against'><span>against</span>{escape(reason)}</li>" for reason in emotion.reasons_against
    )
    return f"<li><b>perhaps {escape(emotion.name)}</b><ul>{lines}</ul></li>"


def _regions(regions: Sequence[RegionMotion]) -> str:
    rows = "".join(
        f"<tr class='{'moving' if region.moving else 'still'}'><th scope='row'>{escape(region_title(region))}</th>"
        f"<td>{region.magnitude_px:.2f}</td><td>{region.magnitude_iod:.1f}</td>"
        f"<td>{_direction(region)}</td></tr>"
        for region in sorted(regions, key=lambda region: -region.magnitude_px)
    )
    return (
        "<table class='regions'><thead><tr><th scope='col'>region</th><th scope='col'>px</th>"
        "<th scope='col'>% of pupil distance</th><th scope='col'>direction in the picture</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>"
        "<p class='subdued'>Mean motion from onset to apex on the 256 px crop, head motion removed. "
        "Regions under the noise count as still.</p>"
    )


def _direction(region: RegionMotion) -> str:
    return _arrow(region) + escape(region.direction) if region.moving else "still"


def _arrow(region: RegionMotion) -> str:
    """A small arrow in the colour that the map gives to this direction."""
    return (
        f"<i class='arrow' aria-hidden='true' style='transform:rotate({region.direction_deg:.0f}deg);"
        f"background:hsl({region.direction_deg:.0f} 75% 50%)'></i>"
    )


def _quality(verdict: InputVerdict) -> str:
    lost = {
        "without the face": verdict.frames_face_lost,
        "turned away": verdict.frames_turned_away,
        "too small": verdict.frames_too_small,
        "dark": verdict.frames_dark,
        "blurred": verdict.frames_blurred,
        "cut off": verdict.frames_cut_off,
    }
    counted = ", ".join(f"{count} {name}" for name, count in lost.items() if count) or "all of them usable"
    return (
        f"<ul class='checks'>{''.join(map(_check, verdict.checks))}</ul>"
        f"<p class='subdued'>{verdict.frames_total} frames: {counted}.</p>"
    )


def _check(check: Check) -> str:
    return (
        f"<li class='check-{check.severity}'><b>{escape(check.name)}</b>"
        f"<span class='value'>{escape(check.value)}</span>"
        f"<span class='subdued'>{escape(check.sentence)}</span></li>"
    )
