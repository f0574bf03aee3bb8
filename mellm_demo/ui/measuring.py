"""From a clip to its finding, to another moment, another face, and to what is taken away.

Handlers read and change one ``Visit`` and return what the page shows next. They raise nothing: what is wrong becomes a
sentence in the page.
"""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from mellm_demo import wording
from mellm_demo.errors import Cancelled
from mellm_demo.export import to_csv, to_json, to_zip
from mellm_demo.records import Analysis, Image
from mellm_demo.ui import fragments, stage
from mellm_demo.ui.evidence import evidence
from mellm_demo.ui.house import House, Updates, in_words
from mellm_demo.ui.layout import CLIP_PROMPT
from mellm_demo.ui.session import Job, Visit
from mellm_demo.ui.talking import FORGOTTEN, talk

PROGRESS_TICK_S = 0.12
LOOP_MS_PER_FRAME = 60.0


def waiting(house: House, visit: Visit, job: Job) -> Updates:
    """Take a job up; it is measured as soon as its turn comes."""
    visit.stop_measuring.set()
    visit.job = job
    visit.hold(job.uploads, house.uploads)
    return {
        house.page.status: fragments.reading("reading", 0.0, wording.file_name(job.name)),
        house.page.input_card: gr.Accordion(label=wording.file_name(job.name), open=False),
        house.page.empty: gr.Column(visible=False),
    }


async def measure(house: House, visit: Visit) -> AsyncIterator[Updates]:
    """Measure the job that waits, telling how far it is; then show the finding."""
    page, job = house.page, visit.job
    if job is None:
        yield {page.status: gr.skip()}
        return
    visit.job = None
    stop = visit.stop_measuring = threading.Event()
    told: list[tuple[str, float]] = [("reading", 0.0)]

    def progress(name: str, share: float) -> None:
        if stop.is_set():
            raise Cancelled("The analysis was stopped. Choose a clip to start again.")
        told[0] = (name, share)

    work = asyncio.create_task(
        asyncio.to_thread(
            house.engine.analyse, job.source, house.settings, frame_rate=job.frame_rate, progress=progress
        )
    )
    try:
        shown: tuple[str, float] | None = None
        while not work.done():
            await asyncio.wait({work}, timeout=PROGRESS_TICK_S)
            if told[0] != shown and not work.done():
                shown = told[0]
                yield {page.status: fragments.reading(*shown, wording.file_name(job.name))}
        analysis = work.result()
        if stop.is_set():
            return
        updates = await asyncio.to_thread(show, house, analysis)
        visit.begin(analysis)
        visit.whole = False
        yield updates | talk(house, visit) | {page.status: ""} | emptied(house, job)
    except Cancelled:
        yield {page.status: gr.skip()}
    except Exception as error:
        message = in_words("analysis", error)
        yield failed(house, visit, message) | emptied(house, job)
    finally:
        stop.set()
        job.tidy()
        visit.spent.extend(job.uploads)
        if visit.closed:
            clean(house, visit)


def failed(house: House, visit: Visit, message: str) -> Updates:
    """The sentence, and the way to another clip; an earlier finding stays."""
    page, before = house.page, visit.analysis
    label = fragments.clip_line(before) if before is not None else CLIP_PROMPT
    return {
        page.status: fragments.trouble(message, keeps=before is not None),
        page.input_card: gr.Accordion(label=label, open=True),
        page.empty: gr.Column(visible=before is None),
    }


def clean(house: House, visit: Visit) -> None:
    """Delete what was measured. A step of its own: by now the page no longer plays the clip."""
    spent, visit.spent = visit.spent, []
    visit.release(house.uploads, spent)


def emptied(house: House, job: Job) -> Updates:
    """The fields that held the job's files, which are deleted."""
    return {getattr(house.page, name): None for name in job.inputs}


def show(house: House, analysis: Analysis, *, whole: bool = False) -> Updates:
    """Everything that the page shows of an analysis; ``whole``: the timeline of the whole clip, however long."""
    from mellm_demo.ui.plots import timeline

    page, window = house.page, stage.window_ms(analysis, whole=whole)
    return {
        page.empty: gr.Column(visible=False),
        page.result: gr.Column(visible=True),
        page.input_card: gr.Accordion(label=fragments.clip_line(analysis), open=False),
        page.finding: fragments.finding(analysis),
        page.faces: gr.HTML(stage.faces_payload(analysis), visible=len(analysis.faces) > 1),
        page.stage: gr.HTML(stage.stage_payload(analysis), loop=None, strip=None),
        page.timeline: timeline(analysis, window),
        page.moment: stage.moment_payload(analysis, window),
        page.evidence: evidence(analysis),
        page.computed: fragments.computed(analysis),
    }


async def remeasure(house: House, visit: Visit, change: Callable[[Analysis], Analysis]) -> Updates:
    """Another moment or another face; where that cannot be, the finding stays and the page says why."""
    page, before = house.page, visit.analysis
    if before is None:
        return {page.status: fragments.trouble(FORGOTTEN, keeps=False)}
    try:
        analysis = await asyncio.to_thread(change, before)
        updates = await asyncio.to_thread(show, house, analysis, whole=visit.whole)
    except Exception as error:
        message = in_words("second look", error)
        return {page.moment: _moment(visit, before) | {"message": message}}
    visit.begin(analysis, note=moment_note(analysis))
    del updates[page.input_card]
    return updates | talk(house, visit)


def moment_note(analysis: Analysis) -> str:
    if analysis.moment is None:
        return "What follows is about another face."
    interval = analysis.moment.interval
    return (
        f"What follows is about another moment: onset {fragments.milliseconds(interval.onset_ms)}, "
        f"apex {fragments.milliseconds(interval.apex_ms)}."
    )


def _moment(visit: Visit, analysis: Analysis) -> dict[str, Any]:
    return stage.moment_payload(analysis, stage.window_ms(analysis, whole=visit.whole))


def zoom(house: House, visit: Visit, *, whole: bool) -> Updates:
    """The timeline of the whole clip, or of the time around the moment."""
    from mellm_demo.ui.plots import timeline

    page, analysis = house.page, visit.analysis
    if analysis is None:
        return {page.moment: gr.skip()}
    visit.whole = whole
    window = stage.window_ms(analysis, whole=whole)
    return {page.timeline: timeline(analysis, window), page.moment: _moment(visit, analysis)}


def set_mark(house: House, analysis: Analysis, which: str, time_ms: float) -> Analysis:
    """Onset or apex moved to one frame; the other end stays, or follows where it would be overtaken."""
    marks: dict[str, float | None] = {**stage.marks(analysis), f"{which}_ms": time_ms}
    offset, apex = marks["offset_ms"], marks["apex_ms"]
    if offset is not None and apex is not None and offset < apex:
        marks["offset_ms"] = None
    return house.engine.reanalyse(analysis, **marks)


# ------------------------------------------------------------------------------------------ the stage


async def loop(house: House, visit: Visit, alpha: float) -> Updates:
    """The magnified loop for one α."""
    page, analysis = house.page, visit.analysis
    if analysis is None or analysis.moment is None:
        return {page.stage: gr.skip()}
    alpha = float(np.clip(alpha, 1.0, stage.ALPHA_MAX))
    try:
        frames = await asyncio.to_thread(house.engine.magnified, analysis, alpha)
        payload = await asyncio.to_thread(stage.loop_payload, analysis, frames, alpha)
    except Exception as error:
        payload = {"message": in_words("magnified loop", error)}
    return {page.stage: gr.HTML(loop=payload)}


def strip(house: House, visit: Visit, row: int) -> Updates:
    """The frames around a row."""
    if visit.analysis is None:
        return {house.page.stage: gr.skip()}
    return {house.page.stage: gr.HTML(strip=stage.strip_payload(visit.analysis.face, row))}


# ------------------------------------------------------------------------------------------ taking it away


def parcel(name: str, kind: str, data: bytes) -> dict[str, str]:
    """A file for the page to save; it never lies on the server's disk."""
    return {"name": name, "type": kind, "data": base64.b64encode(data).decode("ascii")}


def save(house: House, visit: Visit, what: str) -> Updates:
    """JSON, CSV or pictures of the present finding, with the conversation as it is now."""
    analysis = visit.analysis
    if analysis is None:
        return {house.page.status: fragments.trouble(FORGOTTEN, keeps=False)}
    stem = Path(wording.file_name(analysis.clip.name)).stem or "clip"
    try:
        if what == "json":
            content = to_json(analysis, visit.turns(), house.speakers.get(visit.speaker).card).encode()
            return {house.page.courier: parcel(f"{stem}.mellm.json", "application/json", content)}
        if what == "csv":
            return {house.page.courier: parcel(f"{stem}.mellm.csv", "text/csv", to_csv(analysis).encode())}
        content = to_zip(analysis, _pictures(house, analysis))
        return {house.page.courier: parcel(f"{stem}.mellm.zip", "application/zip", content)}
    except Exception as error:
        return {house.page.status: fragments.trouble(in_words("export", error), keeps=True)}


def _pictures(house: House, analysis: Analysis) -> dict[str, Image | bytes]:
    if analysis.moment is None:
        return {}
    from mellm_demo import magnify, motion_map

    frames = house.engine.magnified(analysis, float(stage.ALPHA_DEFAULT))
    pictures: dict[str, Image | bytes] = {"colour_wheel.png": motion_map.legend(2 * stage.WHEEL_PX)}
    if frames:
        pictures["magnified.webp"] = magnify.to_webp(frames, LOOP_MS_PER_FRAME)
    return pictures


# ------------------------------------------------------------------------------------------ by program


def analyse_file(
    house: House, clip: Path | None, frame_rate: float | None, onset_ms: float | None, apex_ms: float | None
) -> dict[str, Any]:
    """The endpoint: a clip in, the command line's JSON out. The file is deleted. Raises gr.Error with the sentence."""
    if clip is None:
        raise gr.Error("No file was given. Send a clip, or a zip of frames with its frame rate.")
    house.uploads.hold(clip)
    try:
        analysis = house.engine.analyse(clip, house.settings, frame_rate=frame_rate, onset_ms=onset_ms, apex_ms=apex_ms)
        return json.loads(to_json(analysis))
    except Exception as error:
        raise gr.Error(in_words("endpoint", error), print_exception=False) from None
    finally:
        house.uploads.release(clip)
