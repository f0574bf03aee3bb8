"""The timeline: an Analysis in, a Plotly figure out. Colours are greys and one accent that hold on light and dark.

Knows nothing of Gradio. Plotly is imported when the first figure is drawn.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mellm_demo import facs
from mellm_demo.records import Analysis, Float32Array, FloatArray, Span

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

Values = FloatArray | Float32Array
HEIGHT_PX = 290
MARGIN_PX = {"l": 56, "r": 18, "t": 22, "b": 42}  # the sliders under the plot stand in the same margins
MAX_POINTS = 1200  # more than a wide screen can show
LANE_SHARE, LANE_GAP = 0.075, 0.04  # of the plot's height: one lane of spans, and the space above the lanes
HEADROOM, LOWEST_TOP_PX = 1.12, 0.5  # a still face must not look like a storm
NAMED_REGIONS = 3  # with hover; the others stay in the background

# Mid tones with a contrast of at least 3:1 on white and on near-black; style.css turns the text with the theme.
ACCENT = "#5f81a9"
SECOND = "#8a8a93"
FAINT = "rgba(128,128,138,0.30)"
GRID = "rgba(128,128,138,0.18)"
BAND = "rgba(128,128,138,0.16)"
SPAN_FILL = "rgba(95,129,169,0.16)"
CANDIDATE_FILL = "rgba(128,128,138,0.12)"
SPAN_NAMES = {"blink": "blink", "speech": "speech", "head": "head turn", "gap": "no face"}
SPAN_COLOUR = "rgba(128,128,138,0.75)"


def min_max_rows(values: Values, points: int = MAX_POINTS) -> NDArray[np.int64]:
    """(N,) rows to draw so that no peak is lost: the lowest and the highest of each of ``points / 2`` bins.

    Rows rise; the first and the last are always among them.
    """
    count = len(values)
    if count <= points:
        return np.arange(count, dtype=np.int64)
    edges = np.linspace(0, count, points // 2 + 1).astype(int)
    rows = {0, count - 1}
    for start, end in pairwise(edges):
        piece = values[start:end]
        rows |= {start + int(np.argmin(piece)), start + int(np.argmax(piece))}
    return np.array(sorted(rows), dtype=np.int64)


def timeline(analysis: Analysis, window_ms: tuple[float, float] | None = None) -> Figure:
    """Motion over time with the noise floor, what was found and what disturbs; hover in ms and px.

    ``window_ms`` is the stretch of time to show, by default the whole clip.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    found, times = analysis.spotting, analysis.curve.times_ms
    _noise(figure, times, found.noise_floor_px)
    named = _regions(figure, analysis)
    highest = max(float(np.nanmax(found.energy_px, initial=0.0)), float(np.nanmax(named, initial=0.0)))
    top = HEADROOM * max(highest, 2.0 * found.noise_floor_px, LOWEST_TOP_PX)
    rows = min_max_rows(found.energy_px)
    figure.add_scatter(
        x=times[rows],
        y=found.energy_px[rows],
        name="largest movement",
        mode="lines",
        line={"color": ACCENT, "width": 2.4},
        hovertemplate="%{y:.2f} px",
    )
    shapes, notes = _moments(analysis)
    kinds = _lanes(figure, found.spans)
    lanes = LANE_SHARE * len(kinds)
    figure.update_layout(
        height=HEIGHT_PX,
        margin=MARGIN_PX,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        showlegend=False,
        hovermode="x unified",
        dragmode=False,
        shapes=shapes,
        annotations=[*notes, _floor_note(found.noise_floor_px)],
        font={"family": "system-ui, sans-serif", "size": 12, "color": SECOND},
        xaxis=_axis("time in ms")
        | {
            "range": list(window_ms) if window_ms and window_ms[1] > window_ms[0] else _time_range(times),
            "anchor": "y2" if kinds else "y",
            "tickformat": ",d",
            "hoverformat": ",.0f",
            "unifiedhovertitle": {"text": "<b>%{x:,.0f} ms</b>"},
        },
        yaxis=_axis("motion in px") | {"range": [0, top], "domain": [lanes + LANE_GAP if kinds else 0, 1]},
        yaxis2={
            "domain": [0, max(lanes, LANE_GAP)],
            "range": [-0.5, max(len(kinds), 1) - 0.5],
            "tickvals": list(range(len(kinds))),
            "ticktext": [SPAN_NAMES[kind] for kind in kinds],
            "tickfont": {"size": 11},
            "fixedrange": True,
            "showgrid": False,
            "zeroline": False,
            "visible": bool(kinds),
        },
    )
    return figure


def _axis(title: str) -> dict[str, Any]:
    return {
        "title": {"text": title, "font": {"size": 12}, "standoff": 6},
        "gridcolor": GRID,
        "linecolor": GRID,
        "zeroline": False,
        "automargin": False,
        "fixedrange": True,
    }


def _floor_note(floor: float) -> dict[str, Any]:
    return {
        "x": 1,
        "xref": "x domain",
        "xanchor": "right",
        "y": floor,
        "yanchor": "bottom",
        "text": f"noise {floor:.2f} px",
        "showarrow": False,
        "font": {"size": 11},
    }


def _time_range(times: FloatArray) -> list[float]:
    if len(times) < 2:
        return [-1.0, 1.0]
    return [float(times[0]), float(times[-1])]


def _noise(figure: Figure, times: FloatArray, floor: float) -> None:
    ends = _time_range(times)
    figure.add_scatter(
        x=ends, y=[floor, floor], mode="lines", fill="tozeroy", fillcolor=BAND, hoverinfo="skip",
        line={"color": SPAN_COLOUR, "width": 1, "dash": "dot"}, name="noise floor",
    )  # fmt: skip


def _regions(figure: Figure, analysis: Analysis) -> Float32Array:
    """Region lines in the background; the strongest ones of the chosen moment with a name. Returns the latter."""
    found, times = analysis.spotting, analysis.curve.times_ms
    keys = analysis.curve.regions
    kept = [i for i, key in enumerate(keys) if not facs.REGION_BY_KEY[key].lid]
    moment = analysis.moment.interval if analysis.moment else None
    part = slice(moment.onset, moment.offset + 1) if moment else slice(None)
    peaks = found.region_energy_px[part].max(axis=0, initial=0.0)
    by_peak = sorted(kept, key=lambda i: -peaks[i])
    for rank, i in reversed(list(enumerate(by_peak))):
        named = rank < NAMED_REGIONS
        values = found.region_energy_px[:, i]
        rows = min_max_rows(values, MAX_POINTS if named else MAX_POINTS // 3)
        region = facs.REGION_BY_KEY[keys[i]]
        name = region.name if region.side is None else f"{region.name}, {region.side}"
        figure.add_scatter(
            x=times[rows], y=values[rows], mode="lines", name=name,
            line={"color": SECOND if named else FAINT, "width": 1.2 if named else 1},
            **({"hovertemplate": "%{y:.2f} px"} if named else {"hoverinfo": "skip"}),
        )  # fmt: skip
    return found.region_energy_px[:, by_peak[:NAMED_REGIONS]]


def _moments(analysis: Analysis) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Candidates as shaded spans, the chosen moment with its three lines."""
    shapes: list[dict[str, Any]] = []
    notes: list[dict[str, Any]] = []
    chosen = analysis.moment.interval if analysis.moment else None
    for number, candidate in enumerate(analysis.spotting.candidates):
        if number == analysis.selected:
            continue
        shapes.append(_rectangle(candidate.onset_ms, candidate.offset_ms, CANDIDATE_FILL))
        notes.append(_note(candidate.apex_ms, str(number + 1)))
    if chosen is not None:
        shapes.append(_rectangle(chosen.onset_ms, chosen.offset_ms, SPAN_FILL))
        for when, dash, width in (
            (chosen.onset_ms, "dot", 1.2),
            (chosen.apex_ms, "solid", 1.8),
            (chosen.offset_ms, "dot", 1.2),
        ):
            shapes.append(
                {"type": "line", "xref": "x", "yref": "y domain", "x0": when, "x1": when, "y0": 0, "y1": 1,
                 "line": {"color": ACCENT, "width": width, "dash": dash}}
            )  # fmt: skip
        notes.append(_note(chosen.apex_ms, "apex"))
    return shapes, notes


def _rectangle(start: float, end: float, colour: str) -> dict[str, Any]:
    return {
        "type": "rect", "xref": "x", "yref": "y domain", "x0": start, "x1": end, "y0": 0, "y1": 1,
        "fillcolor": colour, "line": {"width": 0}, "layer": "below",
    }  # fmt: skip


def _note(when: float, text: str) -> dict[str, Any]:
    return {
        "x": when, "xref": "x", "y": 1, "yref": "y domain", "yanchor": "bottom", "text": text, "showarrow": False,
        "font": {"size": 11},
    }  # fmt: skip


def _lanes(figure: Figure, spans: tuple[Span, ...]) -> list[str]:
    """Blinks, speech, head turns and gaps as bars in lanes under the curve. Returns the kinds, bottom lane first."""
    kinds = [kind for kind in SPAN_NAMES if any(span.kind == kind for span in spans)]
    for lane, kind in enumerate(kinds):
        x: list[float | None] = []
        text: list[str | None] = []
        for span in spans:
            if span.kind == kind:
                x += [span.start_ms, span.end_ms, None]
                text += [f"{SPAN_NAMES[kind]} {span.start_ms:,.0f}–{span.end_ms:,.0f} ms"] * 2 + [None]
        figure.add_scatter(
            x=x, y=[lane] * len(x), yaxis="y2", mode="lines", text=text, name=SPAN_NAMES[kind],
            line={"color": SPAN_COLOUR, "width": 7}, hovertemplate="%{text}<extra></extra>", connectgaps=False,
        )  # fmt: skip
    return kinds
