"""What happens when: every handler bound to the component and the event that it belongs to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import gradio as gr

from mellm_demo.ui import stage
from mellm_demo.ui.house import House, Updates
from mellm_demo.ui.layout import FRAMES, PAIR, VIDEO, Page
from mellm_demo.ui.measuring import (
    analyse_file,
    clean,
    failed,
    loop,
    measure,
    remeasure,
    save,
    set_mark,
    strip,
    waiting,
    zoom,
)
from mellm_demo.ui.pieces import paths
from mellm_demo.ui.session import Job, Visit, gather
from mellm_demo.ui.talking import (
    ask,
    ask_again,
    ask_otherwise,
    attend,
    choose,
    clear,
    explain_again,
    narrator_instead,
    speak,
    stop,
)

MEASURE, MODEL = "measure", "model"  # Gradio's names for the two queues
WHOLE_CLIPS = (".zip", ".gif")  # one such file is all frames of a clip


def wire(house: House) -> None:
    """Bind every handler inside the present ``gr.Blocks``."""
    _wire_visit(house)
    _wire_input(house)
    _wire_result(house)
    _wire_chat(house)
    _wire_endpoint(house)


# Left to itself, Gradio drops an event whose forerunner is still under way: a second question would go unheard.
HEARD: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "trigger_mode": "multiple"}
QUICK: dict[str, Any] = {"queue": False, **HEARD}
SIDE: dict[str, Any] = {
    "show_progress": "hidden", "api_visibility": "private", "trigger_mode": "always_last", "concurrency_limit": 4,
}  # fmt: skip


def _everything(page: Page) -> list[Any]:
    return [getattr(page, name) for name in page.__dataclass_fields__ if name != "visit"]


def _wire_visit(house: House) -> None:
    context = gr.context.Context.root_block
    assert context is not None

    def arrive(visit: Visit, request: gr.Request) -> None:
        visit.arrived = True
        if request.session_hash:
            house.visits[request.session_hash] = visit

    def leave(request: gr.Request) -> None:
        visit = house.visits.pop(request.session_hash or "", None)
        if visit is not None:
            visit.close(house.uploads)

    _then_attend(house, context.load(arrive, house.page.visit, None, **QUICK))
    context.unload(leave)


def _then_measure_and_speak(house: House, event: Any) -> None:
    async def measuring(visit: Visit) -> AsyncIterator[Updates]:
        async for updates in measure(house, visit):
            yield updates

    measured = event.then(
        measuring, house.page.visit, _everything(house.page), concurrency_id=MEASURE, concurrency_limit=2, **HEARD
    )
    _then_speak(house, measured.then(lambda visit: clean(house, visit), house.page.visit, None, **QUICK))


def _then_speak(house: House, event: Any) -> None:
    async def speaking(visit: Visit) -> AsyncIterator[Updates]:
        async for updates in speak(house, visit):
            yield updates

    # Who speaks keeps its own queue and tells everyone their place in it.
    event.then(
        speaking, house.page.visit, _everything(house.page), concurrency_id=MODEL, concurrency_limit=None, **HEARD
    )


def _then_attend(house: House, event: Any) -> None:
    async def attending(visit: Visit) -> AsyncIterator[Updates]:
        async for updates in attend(house, visit):
            yield updates

    shown = [house.page.card, house.page.notice]
    event.then(attending, house.page.visit, shown, concurrency_id="attend", concurrency_limit=None, **HEARD)


def _wire_input(house: House) -> None:
    page = house.page

    def choose_kind(kind: str) -> Updates:
        groups = {VIDEO: page.video_group, FRAMES: page.frames_group, PAIR: page.pair_group}
        return {group: gr.Column(visible=name == kind) for name, group in groups.items()}

    def from_video(visit: Visit, video: str | None) -> Updates:
        if not video or Path(video) in visit.files:
            return {page.status: gr.skip()}
        return waiting(house, visit, Job(video, Path(video).name, (Path(video),), ("video",)))

    def from_frames(visit: Visit, upload: Any, rate: float | None) -> Updates:
        brought = paths(upload)
        if not brought:
            return _missing(house, visit, "No frames were given. Choose a zip of images, or all images of the clip.")
        whole = brought[0].suffix.lower() if any(path.suffix.lower() in WHOLE_CLIPS for path in brought) else ""
        if whole and len(brought) > 1:
            return _missing(house, visit, "A zip or GIF came with other files. Choose it alone, or only images.")
        if whole:
            rate = rate if whole == ".zip" else None
            return waiting(house, visit, Job(str(brought[0]), brought[0].name, brought, ("frames",), rate))
        folder = gather(brought)
        return waiting(house, visit, Job(str(folder), f"{len(brought)} frames", brought, ("frames",), rate, folder))

    def from_pair(visit: Visit, onset: Any, apex: Any) -> Updates:
        pair = paths(onset) + paths(apex)
        if len(pair) != 2:
            return _missing(house, visit, "One of the two images is missing. Choose the onset and the apex frame.")
        source = (str(pair[0]), str(pair[1]))
        return waiting(house, visit, Job(source, "onset and apex", pair, ("onset_file", "apex_file")))

    def came_in(visit: Visit, upload: Any) -> None:
        visit.hold(paths(upload), house.uploads)

    def from_examples(visit: Visit, event: gr.EventData) -> Updates:
        wanted = str(event._data.get("key"))
        for example in house.examples:
            if example.key == wanted:
                return waiting(house, visit, Job(str(example.path), example.path.name))
        return {page.status: gr.skip()}

    page.kind.change(choose_kind, page.kind, [page.video_group, page.frames_group, page.pair_group], **QUICK)
    for field in (page.frames, page.onset_file, page.apex_file):
        field.change(came_in, [page.visit, field], None, preprocess=False, **QUICK)
    shown = [page.status, page.input_card, page.empty]
    frames, pair = [page.visit, page.frames, page.frame_rate], [page.visit, page.onset_file, page.apex_file]
    started = (
        page.video.change(from_video, [page.visit, page.video], shown, **QUICK),
        page.frames_go.click(from_frames, frames, shown, preprocess=False, **QUICK),
        page.pair_go.click(from_pair, pair, shown, preprocess=False, **QUICK),
        page.examples.chosen(from_examples, page.visit, shown, **QUICK),
    )
    for event in started:
        _then_measure_and_speak(house, event)


def _missing(house: House, visit: Visit, message: str) -> Updates:
    return failed(house, visit, message)


def _wire_result(house: House) -> None:
    page, engine = house.page, house.engine

    async def to_candidate(visit: Visit, event: gr.EventData) -> Updates:
        number = int(event._data.get("number", -1))
        return await remeasure(house, visit, lambda analysis: engine.reanalyse(analysis, candidate=number))

    async def to_marks(visit: Visit, event: gr.EventData) -> Updates:
        marks = {f"{name}_ms": float(event._data[f"{name}_ms"]) for name in ("onset", "apex", "offset")}
        return await remeasure(house, visit, lambda analysis: engine.reanalyse(analysis, **marks))

    async def to_frame(visit: Visit, event: gr.EventData) -> Updates:
        which, when = str(event._data.get("which")), float(event._data.get("ms", float("nan")))
        if which not in ("onset", "apex"):
            return {page.moment: gr.skip()}
        return await remeasure(house, visit, lambda analysis: set_mark(house, analysis, which, when))

    async def to_face(visit: Visit, event: gr.EventData) -> Updates:
        number = int(event._data.get("id", -1))
        return await remeasure(house, visit, lambda analysis: engine.choose_face(analysis, number, house.settings))

    async def to_loop(visit: Visit, event: gr.EventData) -> Updates:
        return await loop(house, visit, float(event._data.get("alpha", stage.ALPHA_DEFAULT)))

    def to_strip(visit: Visit, event: gr.EventData) -> Updates:
        return strip(house, visit, int(event._data.get("row", 0)))

    def to_zoom(visit: Visit, event: gr.EventData) -> Updates:
        return zoom(house, visit, whole=bool(event._data.get("whole")))

    everything = _everything(page)
    for listener, handler in (
        (page.moment.picked, to_candidate),
        (page.moment.moved, to_marks),
        (page.stage.marked, to_frame),
        (page.faces.chosen, to_face),
    ):
        _then_speak(house, listener(handler, page.visit, everything, concurrency_id="second look", **SIDE))
    page.moment.zoomed(to_zoom, page.visit, [page.timeline, page.moment], concurrency_id="zoom", **SIDE)
    page.stage.loop_wanted(to_loop, page.visit, page.stage, concurrency_id="loop", **SIDE)
    page.stage.strip_wanted(to_strip, page.visit, page.stage, concurrency_id="strip", **SIDE)
    for button, what in ((page.save_json, "json"), (page.save_csv, "csv"), (page.save_pictures, "pictures")):
        button.click(
            lambda visit, what=what: save(house, visit, what), page.visit, [page.courier, page.status], **QUICK
        )


def _wire_chat(house: House) -> None:
    page = house.page
    column = [page.chatbot, page.question, page.suggestions, page.explain_again, page.clear_chat]
    speaking = [*column, page.card, page.notice, page.speaker, page.narrator]

    def asked(visit: Visit, question: str) -> Updates:
        return ask(house, visit, question)

    def suggested(visit: Visit, event: gr.EventData) -> Updates:
        return ask(house, visit, str(event._data.get("question", "")))

    def retried(visit: Visit, event: gr.RetryData) -> Updates:
        index = event.index if isinstance(event.index, int) else event.index[0]
        return ask_again(house, visit, index)

    def edited(visit: Visit, event: gr.EditData) -> Updates:
        index = event.index if isinstance(event.index, int) else event.index[0]
        return ask_otherwise(house, visit, index, str(event.value))

    def again(visit: Visit) -> Updates:
        return explain_again(house, visit)

    def cleared(visit: Visit) -> Updates:
        return clear(house, visit)

    def chosen(visit: Visit, key: str) -> Updates:
        return choose(house, visit, key)

    def instead(visit: Visit) -> Updates:
        return narrator_instead(house, visit)

    def stopped(visit: Visit) -> Updates:
        return stop(house, visit)

    for event in (
        page.question.submit(asked, [page.visit, page.question], column, **QUICK),
        page.suggestions.asked(suggested, page.visit, column, **QUICK),
        page.chatbot.retry(retried, page.visit, column, **QUICK),
        page.chatbot.edit(edited, page.visit, column, **QUICK),
        page.explain_again.click(again, page.visit, column, **QUICK),
    ):
        _then_speak(house, event)
    chosen_now = page.speaker.input(chosen, [page.visit, page.speaker], speaking, **QUICK)
    for event in (page.question.stop(stopped, page.visit, column, **QUICK), chosen_now):
        _then_speak(house, event)  # what was asked meanwhile
    _then_attend(house, chosen_now)
    _then_speak(house, page.narrator.click(instead, page.visit, speaking, **QUICK))
    page.clear_chat.click(cleared, page.visit, column, **QUICK)
    page.chatbot.clear(cleared, page.visit, column, **QUICK)


def _wire_endpoint(house: House) -> None:
    def analyse(
        clip: Any, frame_rate: float | None = None, onset_ms: float | None = None, apex_ms: float | None = None
    ) -> dict[str, Any]:
        return analyse_file(house, next(iter(paths(clip)), None), frame_rate, onset_ms, apex_ms)

    with gr.Column(visible=False):
        clip = gr.File(label="clip")
        numbers = [gr.Number(None, label=name) for name in ("frame_rate", "onset_ms", "apex_ms")]
        result = gr.JSON(label="analysis")
        gr.Button("analyse").click(
            analyse, [clip, *numbers], result, api_name="analyse", concurrency_id=MEASURE, concurrency_limit=2,
            preprocess=False,
            api_description="Measures one clip and returns the JSON document that the command line writes.",
        )  # fmt: skip
