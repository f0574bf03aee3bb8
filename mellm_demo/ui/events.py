"""What happens when: from a clip to its finding, from a question to its answer. All handlers, all wiring.

Handlers read and change one ``Visit`` and return what the page shows next. They raise nothing: what is wrong becomes a
sentence in the page.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import threading
import traceback
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import gradio as gr
import numpy as np

from mellm_demo.errors import Cancelled, InputError, MellmError
from mellm_demo.export import to_csv, to_json, to_zip
from mellm_demo.reasoning.choice import NARRATOR, Loadable, Speakers
from mellm_demo.reasoning.grounding import check
from mellm_demo.reasoning.protocol import CutOff, Loading, Piece, Thought, Waiting
from mellm_demo.records import Analysis, Image
from mellm_demo.settings import Settings
from mellm_demo.ui import fragments, stage
from mellm_demo.ui.bubbles import as_meant, checked, messages
from mellm_demo.ui.engine import Engine
from mellm_demo.ui.evidence import evidence
from mellm_demo.ui.layout import CLIP_PROMPT, FRAMES, PAIR, QUESTION_CHARS, VIDEO, Example, Page
from mellm_demo.ui.pieces import paths
from mellm_demo.ui.session import Entry, Job, Uploads, Visit, gather
from mellm_demo.ui.speech import listen

logger = logging.getLogger(__name__)

Updates = dict[Any, Any]  # component → its new value or properties
MEASURE, MODEL = "measure", "model"  # Gradio's names for the two queues
PROGRESS_TICK_S = 0.12
LOADING_TICK_S = 0.3
ANSWER_CHARS = 20_000  # a reasoner that never ends is cut off here
LOOP_MS_PER_FRAME = 60.0
WHOLE_CLIPS = (".zip", ".gif")  # one such file is all frames of a clip

UNEXPECTED = (
    "Something in the program failed, not in what you did. Try once more; if it happens again, try another clip."
)
NO_CLIP_YET = "There is nothing to talk about yet. Bring a clip or choose an example, and ask then."
SPEAKER_FAILED = (
    "The text could not be written because something in the program failed. The measurements stay; ask again."
)


@dataclass(frozen=True)
class House:
    """What all handlers work with. Holds nothing about a visitor but a way to find the visit when its page closes."""

    page: Page
    settings: Settings
    engine: Engine
    speakers: Speakers
    suggest: Callable[[Analysis], tuple[str, ...]]
    examples: tuple[Example, ...]
    uploads: Uploads
    visits: WeakValueDictionary[str, Visit]


def log_failure(what: str, error: BaseException) -> None:
    """Where it failed, for the log; no message and no names, which may tell about a visitor's file."""
    where = "".join(traceback.format_tb(error.__traceback__))
    logger.error("%s failed with %s\n%s", what, type(error).__name__, where)


def in_words(what: str, error: Exception) -> str:
    """The sentence that a visitor sees."""
    if isinstance(error, MellmError):
        return str(error)
    log_failure(what, error)
    return UNEXPECTED


# ------------------------------------------------------------------------------------------ measuring


def waiting(house: House, visit: Visit, job: Job) -> Updates:
    """Take a job up; it is measured as soon as its turn comes."""
    visit.stop_measuring.set()
    visit.job = job
    visit.hold(job.uploads, house.uploads)
    return {
        house.page.status: fragments.reading("reading", 0.0, job.name),
        house.page.input_card: gr.Accordion(label=job.name, open=False),
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
                yield {page.status: fragments.reading(*shown, job.name)}
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
        return {page.moment: gr.skip()}
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


# ------------------------------------------------------------------------------------------ the chat


def talk(house: House, visit: Visit) -> Updates:
    """The chat column as it stands now."""
    page, busy = house.page, visit.pending
    suggestions = house.suggest(visit.analysis) if visit.analysis is not None and not busy else ()
    return {
        page.chatbot: messages(visit.entries),
        page.question: gr.Textbox(submit_btn=not busy, stop_btn=busy),
        page.suggestions: list(suggestions),
        page.explain_again: gr.Button(interactive=visit.analysis is not None and not busy),
        page.clear_chat: gr.Button(interactive=bool(visit.entries) and not busy),
    }


async def speak(house: House, visit: Visit) -> AsyncIterator[Updates]:
    """The explanation or the answer that is due, as it comes."""
    analysis, cancel, reasoner = visit.analysis, visit.stop_speaking, house.speakers.get(visit.speaker)
    if not visit.pending or analysis is None or cancel.is_set():
        yield {house.page.chatbot: gr.skip()}
        return
    turns = visit.turns(present=True)
    entry = Entry("assistant", "", speaker=reasoner.card.name)
    visit.entries.append(entry)
    entries, failed_it = visit.entries, False
    yield talk(house, visit)
    try:
        async for piece in listen(reasoner, analysis, turns, cancel):
            if visit.entries is not entries or visit.stop_speaking is not cancel:
                return
            take(entry, piece)
            yield {house.page.chatbot: messages(visit.entries)}
            if len(entry.text) + len(entry.thought) > ANSWER_CHARS:
                entry.ended = "length"
                break
    except Exception as error:
        failure = str(error) if isinstance(error, MellmError) else SPEAKER_FAILED
        if not isinstance(error, MellmError):
            log_failure("reasoner", error)
        entry.ended, failed_it = "failed" if entry.text else "", True
        entries.append(Entry("assistant", failure, kind="trouble"))
    finally:
        cancel.set()
    if visit.entries is not entries or visit.stop_speaking is not cancel:
        return  # somebody else speaks by now
    entry.state, entry.speaker = "", reasoner.card.name
    if not entry.text and not entry.ended and entries[-1] is entry:
        entries.append(Entry("assistant", "No text came. The measurements stay; ask again.", kind="trouble"))
        failed_it = True
    if not entry.text and not entry.ended:
        entries.remove(entry)
    if entry.text and reasoner.card.is_language_model:
        found = await asyncio.to_thread(check, entry.text, analysis)
        entry.statements = found.statements
        note = Entry("assistant", checked(found.tally, found.unsupported), kind="note")
        entries.insert(entries.index(entry) + 1, note)
    visit.pending = False
    yield talk(house, visit) | who_speaks(house, visit) | way_out(house, visit, failed_it=failed_it)


def take(entry: Entry, piece: Piece) -> None:
    """Add to an entry what its writer has sent."""
    if isinstance(piece, str):
        entry.text += piece
    elif isinstance(piece, Thought):
        entry.thought += piece.text
    elif isinstance(piece, CutOff):
        entry.ended = piece.reason
    elif isinstance(piece, Waiting):
        entry.state = f"{piece.before} {'question is' if piece.before == 1 else 'questions are'} answered first"
    else:
        entry.state = in_progress(piece)


def in_progress(loading: Loading) -> str:
    """“loading the weights, 40 %”."""
    return loading.what + (f", {100 * loading.share:.0f} %" if loading.share is not None else "")


# ------------------------------------------------------------------------------------------ who speaks


def who_speaks(house: House, visit: Visit) -> Updates:
    """The card of who speaks, with what goes on there."""
    reasoner, state = house.speakers.get(visit.speaker), ""
    if isinstance(reasoner, Loadable):
        loading = reasoner.progress()
        if loading is not None:
            state = f"{in_progress(loading)} …"
        elif reasoner.failure:
            state = reasoner.failure
        elif not reasoner.ready:
            state = "loaded when first needed"
    return {house.page.card: fragments.card(reasoner.card, state), house.page.notice: fragments.notice(reasoner.card)}


def way_out(house: House, visit: Visit, *, failed_it: bool) -> Updates:
    """The offer to have the narrator answer, after somebody else failed."""
    speaks = visit.speaker or house.speakers.default
    offered = failed_it and NARRATOR in house.speakers.by_key and speaks != NARRATOR
    return {house.page.narrator: gr.Button(visible=offered)}


async def attend(house: House, visit: Visit) -> AsyncIterator[Updates]:
    """Have who speaks made ready, and show how far that is until it is over, or somebody else is chosen."""
    key = visit.speaker
    reasoner = house.speakers.get(key)
    shown = who_speaks(house, visit)
    yield shown
    if not isinstance(reasoner, Loadable):
        return
    reasoner.prepare()
    loading = True
    while loading and visit.speaker == key and not visit.closed:
        loading = reasoner.progress() is not None
        now = who_speaks(house, visit)
        if now != shown:
            shown = now
            yield shown
        await asyncio.sleep(LOADING_TICK_S)


def choose(house: House, visit: Visit, key: str) -> Updates:
    """Somebody else speaks from now on; what is being written is ended, what was written stays."""
    if key in house.speakers.by_key and key != (visit.speaker or house.speakers.default):
        if visit.pending:
            stop(house, visit)
        visit.speaker = key
        if visit.entries:
            visit.entries.append(
                Entry("assistant", f"From here on {house.speakers.get(key).card.name} speaks.", "note")
            )
    return talk(house, visit) | who_speaks(house, visit) | way_out(house, visit, failed_it=False)


def narrator_instead(house: House, visit: Visit) -> Updates:
    """The narrator answers what somebody else failed to answer."""
    updates = choose(house, visit, NARRATOR)
    return updates | {house.page.speaker: NARRATOR} | ask_again(house, visit, len(visit.entries))


# ------------------------------------------------------------------------------------------ questions


def stop(house: House, visit: Visit) -> Updates:
    """End the text that is being written; what was written stays."""
    if visit.pending:
        if visit.entries and visit.entries[-1].role == "assistant":
            visit.entries[-1].ended = "stopped"
        else:
            visit.entries.append(Entry("assistant", "", ended="stopped"))
        visit.hush()
    return talk(house, visit)


def ask(house: House, visit: Visit, question: str) -> Updates:
    """Put a question; who speaks answers as soon as the turn comes."""
    page, question = house.page, (question or "").replace("\x00", "").strip()
    if not question:
        return {page.question: gr.skip()}
    if visit.analysis is None:
        visit.entries = [Entry("user", question[:QUESTION_CHARS]), Entry("assistant", NO_CLIP_YET, kind="note")]
        return talk(house, visit) | {page.question: gr.Textbox("", submit_btn=True, stop_btn=False)}
    visit.hush()
    if len(question) > QUESTION_CHARS:
        shortened = f"{question[:200]} …"
        said = (
            f"That question has {fragments.grouped(len(question))} characters; up to "
            f"{fragments.grouped(QUESTION_CHARS)} are read. Ask it more briefly."
        )
        visit.entries += [Entry("user", shortened, kind="note"), Entry("assistant", said, kind="note")]
    else:
        visit.entries.append(Entry("user", question))
        visit.expect_answer()
    updates = talk(house, visit)
    updates[page.question] = gr.Textbox("", submit_btn=not visit.pending, stop_btn=visit.pending)
    return updates


def ask_again(house: House, visit: Visit, index: int) -> Updates:
    """Answer the last question up to ``index`` once more; without one, explain once more."""
    questions = [i for i, entry in enumerate(visit.entries) if entry.role == "user" and i <= max(index, visit.about)]
    last = questions[-1] if questions and questions[-1] >= visit.about else None
    del visit.entries[visit.about if last is None else last + 1 :]
    return _due(house, visit)


def ask_otherwise(house: House, visit: Visit, index: int, question: str) -> Updates:
    """Replace a question and all that followed it."""
    question = as_meant(question).replace("\x00", "").strip()[:QUESTION_CHARS]
    if question and 0 <= index < len(visit.entries) and visit.entries[index].role == "user":
        del visit.entries[index:]
        visit.about = min(visit.about, len(visit.entries))
        visit.entries.append(Entry("user", question))
        return _due(house, visit)
    return talk(house, visit)


def explain_again(house: House, visit: Visit) -> Updates:
    """A fresh explanation; the conversation about this moment begins anew."""
    del visit.entries[visit.about :]
    return _due(house, visit)


def clear(house: House, visit: Visit) -> Updates:
    """Forget the conversation; the analysis stays."""
    visit.hush()
    visit.entries, visit.about = [], 0
    return talk(house, visit)


def _due(house: House, visit: Visit) -> Updates:
    visit.hush()
    if visit.analysis is not None:
        visit.expect_answer()
    return talk(house, visit)


# ------------------------------------------------------------------------------------------ taking it away


def parcel(name: str, kind: str, data: bytes) -> dict[str, str]:
    """A file for the page to save; it never lies on the server's disk."""
    return {"name": name, "type": kind, "data": base64.b64encode(data).decode("ascii")}


def save(house: House, visit: Visit, what: str) -> Updates:
    """JSON, CSV or pictures of the present finding, with the conversation as it is now."""
    analysis = visit.analysis
    if analysis is None:
        return {house.page.courier: gr.skip()}
    stem = Path(analysis.clip.name).stem or "clip"
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


# ------------------------------------------------------------------------------------------ wiring


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
    page.question.stop(stopped, page.visit, column, **QUICK)
    _then_attend(house, page.speaker.input(chosen, [page.visit, page.speaker], speaking, **QUICK))
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


__all__ = ["House", "InputError", "wire"]
