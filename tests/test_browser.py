"""The page in a real browser: what a visitor does, sees and must not see. A machine without a browser fails.

One flow goes through the real pipeline; the others use an engine with known analyses and a scripted reasoner, so that
every state can be brought about. Every request of every page is recorded: none may leave the own server.
"""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import socket
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from gradio.context import LocalContext
from playwright.sync_api import Browser, Page, expect, sync_playwright
from support_analysis import make_analysis
from support_clips import smiling, write_video
from support_reasoner import SCRIPTED_CARD, ScriptedEngine, ScriptedReasoner
from support_server import KEY, faulty_server

from mellm_demo.errors import InputError, ReasonerError
from mellm_demo.reasoning.answering import Manner
from mellm_demo.reasoning.choice import Speakers
from mellm_demo.reasoning.narrator import Narrator
from mellm_demo.reasoning.protocol import CutOff, Loading, Thought, Waiting
from mellm_demo.reasoning.resident import Resident
from mellm_demo.records import Analysis
from mellm_demo.settings import Settings
from mellm_demo.ui import build_app, launch
from mellm_demo.ui.engine import Engine

# The shell first: it has no windows and tabs of its own, which took more time than the page, and hung now and then.
CHROMIUM_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome")
CHROMIUM_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PATIENCE_MS = 120_000
WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
EXPLANATION = "### What moved\n\nBoth **mouth corners** rose."
SUGGESTED = ("Which action units are shown?", "How reliable is this?")
expect.set_options(timeout=PATIENCE_MS)
AA_NORMAL_TEXT, AA_LARGE_TEXT = 4.5, 3.0  # WCAG 2.2, 1.4.3


# ------------------------------------------------------------------------------------------ the surroundings


def chromium() -> str:
    path = next((found for name in CHROMIUM_NAMES if (found := shutil.which(name))), None)
    assert path is not None, "No Chromium was found. Install one (Debian: apt-get install chromium); it is needed here."
    return path


@pytest.fixture(scope="module")
def start_browser() -> Iterator[Callable[[], Browser]]:
    with sync_playwright() as playwright:
        yield lambda: playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_FLAGS)


@pytest.fixture(scope="module")
def browser(start_browser) -> Iterator[Browser]:
    started = start_browser()
    yield started
    started.close()


@pytest.fixture
def other_browser(start_browser) -> Iterator[Browser]:
    """A visitor on another machine."""
    started = start_browser()
    yield started
    started.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Known:
    """An engine whose findings follow from the name of the file."""

    served: list[str] = field(default_factory=list)
    may_go_on: threading.Event = field(default_factory=threading.Event)  # to the end of the next analysis

    def __post_init__(self) -> None:
        self.may_go_on.set()

    def analyse(self, source: Any, settings: Settings, **options: Any) -> Analysis:
        name = Path(str(source)).name
        self.served.append(name)
        progress: Callable[[str, float], None] = options.get("progress") or (lambda stage, share: None)
        for stage, share in (("reading", 0.0), ("finding the face", 0.4), ("measuring motion", 0.8)):
            progress(stage, share)
            time.sleep(0.03)
        assert self.may_go_on.wait(PATIENCE_MS / 1000)
        if "text" in name:
            raise InputError("The file is no video: it holds text. Choose an mp4, mov or webm file.")
        if "crash" in name:
            raise RuntimeError("/secret/path/of/the/machine")
        finding = "nothing" if "still" in name else "one_sided_brow" if "brow" in name else "smile"
        return make_analysis(finding, name=name, second_candidate=True, faces=2)

    def reanalyse(self, analysis: Analysis, *, candidate: int | None = None, **marks: float | None) -> Analysis:
        if candidate is not None:
            return self._at(analysis, candidate, {})
        if (marks["onset_ms"] or 0) >= (marks["apex_ms"] or 0):
            raise InputError("The onset lies after the apex. Choose an earlier onset.")
        return self._at(analysis, None, {key: value for key, value in marks.items() if value is not None})

    def _at(self, analysis: Analysis, candidate: int | None, marks: dict[str, float]) -> Analysis:
        assert analysis.moment is not None
        interval = replace(analysis.spotting.candidates[candidate or 0], **marks, by_user=candidate is None)
        moment = replace(analysis.moment, interval=interval)
        return replace(analysis, moment=moment, selected=candidate, headline=f"At {interval.apex_ms:.0f} ms it moved.")

    def choose_face(self, analysis: Analysis, number: int, settings: Settings) -> Analysis:
        return replace(analysis, face=analysis.faces[number - 1])

    def engine(self) -> Engine:
        return Engine(analyse=self.analyse, reanalyse=self.reanalyse, choose_face=self.choose_face)


@dataclass
class Served:
    """A running page and who stands behind it."""

    url: str
    reasoner: ScriptedReasoner
    known: Known


@pytest.fixture(scope="module")
def house() -> Iterator[Served]:
    reasoner, known = ScriptedReasoner(fallback=(EXPLANATION,)), Known()
    settings = Settings(port=free_port())
    demo = build_app(settings, reasoner, known.engine(), suggest=lambda analysis: SUGGESTED)
    yield Served(launch(demo, settings, block=False, warm=False), reasoner, known)
    demo.close(verbose=False)


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    write_video(folder / "smile.mp4", smiling(60))
    for name in ("still", "brow", "crash"):
        shutil.copy(folder / "smile.mp4", folder / f"{name}.mp4")
    for number, name in enumerate(("still", "brow", "crash")):  # other bytes, so that every upload has its own place
        with (folder / f"{name}.mp4").open("ab") as file:
            file.write(bytes([number]) * 8)
    (folder / "text.mp4").write_text("I am a letter, not a film. " * 40)
    return folder


@contextmanager
def opened(browser: Browser, url: str, *, dark: bool = False, calm: bool = False, **options: Any) -> Iterator[Page]:
    """A page in a context of its own; afterwards nothing foreign was asked for and nothing went wrong in it."""
    context = browser.new_context(
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce" if calm else "no-preference",
        viewport=options.pop("viewport", WIDE),
        **options,
    )
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    foreign: list[str] = []
    complaints: list[str] = []

    def look(address: str) -> None:
        parts = urlsplit(address)
        if parts.scheme not in ("data", "blob") and parts.netloc != urlsplit(url).netloc:
            foreign.append(address)

    page.on("request", lambda request: look(request.url))
    page.on("websocket", lambda connection: look(connection.url))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(url)
    expect(page.locator("#mellm-question textarea")).to_be_visible(timeout=PATIENCE_MS)
    page.wait_for_function(
        "document.querySelector('#mellm-stage [data-view]') || document.querySelector('#mellm-kind')"
    )
    try:
        yield page
    finally:
        context.close()
    assert foreign == []
    assert complaints == []


def bring(page: Page, clip: Path) -> None:
    """Give the page a clip, as a visitor does; after an earlier one the card is opened again."""
    card = page.locator("#mellm-input > button")
    if "open" not in (card.get_attribute("class") or ""):
        card.click()
    page.locator("#mellm-video input[type=file]").set_input_files(clip)


def bring_and_read(page: Page, clip: Path) -> None:
    bring(page, clip)
    expect(page.locator("#mellm-finding h2")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.locator("#mellm-chatbot")).to_contain_text("mouth corners")
    expect(page.get_by_role("button", name="Explain again")).to_be_enabled()


def ask(page: Page, question: str) -> None:
    box = page.locator("#mellm-question textarea")
    box.fill(question)
    box.press("Enter")


def uploads() -> list[Path]:
    """Files that visitors brought and that still lie on the disk."""
    # os.walk, because the app removes folders while we look: pathlib's search of Python 3.11 raises then.
    return [Path(folder, name) for folder, _, names in os.walk(os.environ["GRADIO_TEMP_DIR"]) for name in names]


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while not true():
        assert time.monotonic() < deadline, f"It did not happen; uploads: {[path.name for path in uploads()]}"
        time.sleep(0.02)


def overflow(page: Page) -> int:
    """By how many px the page is wider than the window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


# ------------------------------------------------------------------------------------------ the whole way


def test_from_a_clip_to_an_explained_finding_that_is_taken_home(browser, clips):
    settings = Settings(port=free_port(), speaker="narrator")
    demo = build_app(settings)
    url = launch(demo, settings, block=False)
    try:
        with opened(browser, url) as page:
            bring(page, clips / "smile.mp4")
            expect(page.locator("#mellm-finding h2")).to_be_visible(timeout=PATIENCE_MS)
            first_finding = page.locator("#mellm-finding h2").inner_text()
            expect(page.locator("#mellm-stage .map > img")).to_be_visible()
            expect(page.locator("#mellm-plot .main-svg").first).to_be_visible()
            chat = page.locator("#mellm-chatbot")
            expect(chat).to_contain_text("What moved")
            expect(chat).to_contain_text("What it may express")
            expect(page.get_by_role("button", name="Explain again")).to_be_enabled()
            assert not [path for path in uploads() if path.suffix == ".mp4"]

            ask(page, "How long did it last?")
            expect(chat.locator(".bot-row")).to_have_count(2)
            expect(page.get_by_role("button", name="Explain again")).to_be_enabled()
            assert "ms" in chat.locator(".bot-row").last.inner_text()

            apex = page.get_by_role("slider", name="apex in milliseconds")
            before = float(apex.input_value())
            apex.press("ArrowRight")
            expect(page.locator("#mellm-finding")).to_contain_text("your moment")
            expect(chat).to_contain_text("another moment")
            expect(page.get_by_role("button", name="Explain again")).to_be_enabled()
            after = float(page.get_by_role("slider", name="apex in milliseconds").input_value())
            assert after - before == pytest.approx(20.0, abs=0.5)  # one frame at 50 frames/s

            with page.expect_download() as coming:
                page.get_by_role("button", name="JSON").click()
            document = json.loads(Path(coming.value.path()).read_text(encoding="utf-8"))
            assert coming.value.suggested_filename == "smile.mellm.json"
            assert document["clip"]["name"] == "smile.mp4"
            assert document["selected"] is None
            said = [turn["text"] for turn in document["conversation"]]
            assert "How long did it last?" in said
            assert first_finding
            with page.expect_download() as coming:
                page.get_by_role("button", name="Pictures").click()
            assert Path(coming.value.path()).stat().st_size > 10_000
    finally:
        demo.close(verbose=False)


class Loaded:
    """What a slow load comes to: a model that says one sentence."""

    card, context, sees, lost = replace(SCRIPTED_CARD, name="Slow"), 4096, False, False

    def count(self, text: str) -> int:
        return len(text) // 4

    def generate(self, messages: Any, manner: Manner, emit: Callable[[str], None], stopped: Callable[[], bool]) -> None:
        emit("Now both mouth corners are told.")

    def close(self) -> None:
        pass


def test_a_clip_is_measured_and_shown_while_the_model_is_loading(browser, clips):
    """A load that takes its time, and the interpreter's with it, as reading weights does."""
    free = threading.Event()

    def load(tell: Callable[[str, float | None], None]) -> Loaded:
        tell("reading the weights", 0.4)
        while not free.wait(0.01):
            sum(range(100_000))
        return Loaded()

    slow = Resident(load, Loaded.card, Manner())
    settings = Settings(port=free_port())
    demo = build_app(settings, Speakers({"gguf": slow, "narrator": Narrator()}))
    url = launch(demo, settings, block=False)
    try:
        with opened(browser, url) as page:
            expect(page.locator("#mellm-card")).to_contain_text("reading the weights, 40 %")
            bring(page, clips / "smile.mp4")
            expect(page.locator("#mellm-finding h2")).to_be_visible()
            expect(page.locator("#mellm-stage .map > img")).to_be_visible()
            expect(page.locator("#mellm-chatbot")).to_contain_text("reading the weights")
            assert slow.progress() is not None  # all that was seen so far was seen beside the loading
            assert not slow.ready
            free.set()
            expect(page.locator("#mellm-chatbot")).to_contain_text("Now both mouth corners are told.")
    finally:
        free.set()
        demo.close(verbose=False)
        slow.close()


def test_the_model_that_comes_with_the_app_explains_and_answers(browser, clips):
    settings = Settings(port=free_port(), speaker="embedded")
    demo = build_app(settings)
    url = launch(demo, settings, block=False)
    try:
        with opened(browser, url) as page:
            bring(page, clips / "smile.mp4")
            chat = page.locator("#mellm-chatbot")
            expect(chat).to_contain_text("What it may express", timeout=PATIENCE_MS)
            expect(page.get_by_role("button", name="Explain again")).to_be_enabled(timeout=PATIENCE_MS)
            expect(chat).to_contain_text("checked")
            expect(page.locator("#mellm-card")).to_contain_text("MELLM Demo 135M")
            expect(page.locator("#mellm-card")).to_contain_text("135 M parameters")

            ask(page, "Is she lying?")
            expect(page.get_by_role("button", name="Explain again")).to_be_enabled(timeout=PATIENCE_MS)
            expect(chat).not_to_contain_text(re.compile(r"\b(?:is|are) lying", re.IGNORECASE), use_inner_text=True)

            ask(page, "哪里动了？")
            expect(page.get_by_role("button", name="Explain again")).to_be_enabled(timeout=PATIENCE_MS)
            expect(chat).to_contain_text("嘴角")
            expect(chat).to_contain_text("Narrator")
    finally:
        demo.close(verbose=False)


# ------------------------------------------------------------------------------------------ chat


def test_an_answer_is_in_sight_when_the_suggestions_come_back(browser, house, clips):
    with opened(browser, house.url) as page:
        house.reasoner.enqueue("\n\n".join(["Both mouth corners rose."] * 30))
        bring_and_read(page, clips / "smile.mp4")
        house.reasoner.enqueue("\n\n".join(["So it was."] * 4))
        ask(page, "Which side?")
        chat = page.locator("#mellm-chatbot")
        expect(chat).to_contain_text("So it was.")
        expect(page.get_by_role("button", name=SUGGESTED[0])).to_be_visible()
        page.locator("#mellm-suggestions").evaluate("node => { node.style.minHeight = '260px'; }")  # many of them
        expect(chat.locator(".bot-row").last.locator("p").last).to_be_in_viewport(ratio=1, timeout=5000)


def test_stop_ends_the_text_and_frees_the_reasoner(browser, house, clips):
    with opened(browser, house.url) as page:
        bring_and_read(page, clips / "smile.mp4")
        house.reasoner.enqueue("and on ", endless=True)
        ask(page, "Tell me everything")
        chat = page.locator("#mellm-chatbot")
        expect(chat.locator(".bot-row").last).to_contain_text("and on")
        page.get_by_role("button", name="Stop").click()
        expect(chat.locator(".bot-row").last).to_contain_text("Stopped.")
        wait_until(lambda: house.reasoner.active == 0)
        house.reasoner.enqueue("It is AU12.")
        ask(page, "Which one?")
        expect(chat).to_contain_text("It is AU12.")
        expect(chat.locator(".bot-row").nth(1)).to_contain_text("Stopped.")


def test_what_is_asked_too_early_is_kept_and_answered(browser, house, clips):
    """While the clip is measured, and while the explanation is written; the field is emptied, the question shown."""
    house.known.may_go_on.clear()
    with opened(browser, house.url) as page:
        chat = page.locator("#mellm-chatbot")
        try:
            bring(page, clips / "smile.mp4")
            expect(page.locator("#mellm-status")).to_contain_text("Measuring motion")
            ask(page, "Which side?")
            expect(chat.locator(".user-row")).to_have_text("Which side?")
            expect(chat).to_contain_text("Answered as soon as a clip is measured.")
            expect(chat).not_to_contain_text("Bring a clip")
            expect(page.locator("#mellm-question textarea")).to_have_value("")
            house.reasoner.enqueue("It moved ", 300.0).enqueue("Both sides.").enqueue("For 200 ms.")  # until Stop
        finally:
            house.known.may_go_on.set()
        expect(chat).to_contain_text("It moved")
        ask(page, "How long?")
        expect(chat).to_contain_text("Answered next")
        expect(chat.locator(".user-row")).to_have_count(2)
        page.get_by_role("button", name="Stop").click()
        expect(chat).to_contain_text("For 200 ms.")
        expect(chat).not_to_contain_text("Answered")
        expect(page.get_by_role("button", name="Explain again")).to_be_enabled()
        explanation, *rest = house.reasoner.calls[-1].turns
        assert explanation.ended == "stopped"
        assert [turn.text for turn in rest] == ["Which side?", "Both sides.", "How long?"]


def test_closing_the_page_stops_the_reasoner_and_leaves_nothing(browser, house, clips):
    with opened(browser, house.url) as page:
        bring_and_read(page, clips / "smile.mp4")
        house.reasoner.enqueue("and on ", endless=True)
        ask(page, "Tell me everything")
        expect(page.locator("#mellm-chatbot .bot-row").last).to_contain_text("and on")
        assert house.reasoner.active == 1
    wait_until(lambda: house.reasoner.active == 0)


def test_retry_edit_clear_and_suggested_questions(browser, house, clips):
    with opened(browser, house.url) as page:
        bring_and_read(page, clips / "smile.mp4")
        chat = page.locator("#mellm-chatbot")
        house.reasoner.enqueue("First answer.")
        page.get_by_role("button", name=SUGGESTED[0]).click()
        expect(chat).to_contain_text("First answer.")
        expect(chat.locator(".user-row")).to_contain_text(SUGGESTED[0])

        house.reasoner.enqueue("Second answer.")
        chat.get_by_role("button", name="Retry").click()
        expect(chat).to_contain_text("Second answer.")
        expect(chat).not_to_contain_text("First answer.")

        house.reasoner.enqueue("Third answer.")
        chat.get_by_role("button", name="Edit").click()
        chat.locator("textarea").fill("Is it 1 < 2 & so?")
        chat.get_by_role("button", name="Submit").click()
        expect(chat).to_contain_text("Third answer.")
        expect(chat.locator(".user-row")).to_have_count(1)
        expect(chat.locator(".user-row")).to_contain_text("Is it 1 < 2 & so?")
        assert house.reasoner.calls[-1].turns[-1].text == "Is it 1 < 2 & so?"

        page.get_by_role("button", name="Clear").click()
        expect(chat.locator(".message-row")).to_have_count(0)
        page.get_by_role("button", name="Explain again").click()
        expect(chat).to_contain_text("mouth corners")


def test_foreign_markup_is_shown_and_never_runs(browser, house, clips):
    nasty = (
        "<img src=x onerror='document.title=`owned`'><script>document.title='owned'</script> ![p](http://a.test/p.png)"
    )
    with opened(browser, house.url) as page:
        bring_and_read(page, clips / "smile.mp4")
        house.reasoner.enqueue(f"You said {nasty}")
        ask(page, nasty)
        answer = page.locator("#mellm-chatbot .bot-row").last
        expect(answer).to_contain_text("<script>")
        expect(page.locator("#mellm-chatbot .user-row").last).to_contain_text("onerror")
        assert page.title() != "owned"
        assert page.locator("#mellm-chatbot .message img").count() == 0


def test_questions_that_cannot_be_put(browser, house, clips):
    with opened(browser, house.url) as page:
        chat = page.locator("#mellm-chatbot")
        ask(page, "Anybody here?")
        expect(chat).to_contain_text("Bring a clip")
        bring_and_read(page, clips / "smile.mp4")
        asked = len(house.reasoner.calls)
        ask(page, "   ")
        ask(page, "x" * 100_000)
        expect(chat).to_contain_text("Ask it more briefly")
        assert len(house.reasoner.calls) == asked


def test_a_question_that_is_too_long_takes_nothing_away(browser, house, clips):
    long = "And why? " * 60_000  # 540 kB
    with opened(browser, house.url) as page:
        bring_and_read(page, clips / "smile.mp4")
        finding = page.locator("#mellm-finding h2").inner_text()
        house.reasoner.enqueue("First answer.")
        ask(page, "Which side?")
        chat = page.locator("#mellm-chatbot")
        expect(chat).to_contain_text("First answer.")
        asked = len(house.reasoner.calls)

        house.reasoner.enqueue("It goes on, ", 3.0, "to the end.")
        ask(page, "How long?")
        expect(chat).to_contain_text("It goes on,")
        ask(page, long)
        expect(chat).to_contain_text("characters; up to")
        expect(chat).to_contain_text("It goes on, to the end.")
        expect(page.locator("#mellm-question textarea")).to_have_value("")
        assert len(house.reasoner.calls) == asked + 1
        assert len(chat.inner_text()) < 3000

        chat.get_by_role("button", name="Edit").first.click()
        chat.locator("textarea").fill(long)
        chat.get_by_role("button", name="Submit").click()
        expect(chat.get_by_text("Ask it more briefly")).to_have_count(2)
        expect(chat).to_contain_text("First answer.")
        assert len(house.reasoner.calls) == asked + 1

        house.reasoner.enqueue("And so on.")
        ask(page, "And then?")
        expect(chat).to_contain_text("And so on.")
        assert [turn.text for turn in house.reasoner.calls[-1].turns] == [
            EXPLANATION, "Which side?", "First answer.", "How long?", "It goes on, to the end.", "And then?",
        ]  # fmt: skip
        assert page.locator("#mellm-finding h2").inner_text() == finding


def test_a_failing_reasoner_leaves_the_finding(browser, house, clips):
    with opened(browser, house.url) as page:
        bring_and_read(page, clips / "smile.mp4")
        house.reasoner.enqueue("It begins, ", ReasonerError("The memory is full. Ask something shorter."))
        ask(page, "Why?")
        chat = page.locator("#mellm-chatbot")
        expect(chat).to_contain_text("It begins,")
        expect(chat).to_contain_text("The memory is full. Ask something shorter.")
        house.reasoner.enqueue(ValueError("/secret/path"))
        ask(page, "And now?")
        expect(chat).to_contain_text("could not be written")
        expect(chat).not_to_contain_text("secret")
        expect(page.locator("#mellm-stage .map > img")).to_be_visible()


# ------------------------------------------------------------------------------------------ input and states


def test_bad_input_is_a_sentence_and_the_earlier_finding_stays(browser, house, clips):
    with opened(browser, house.url) as page:
        bring(page, clips / "text.mp4")
        trouble = page.locator("#mellm-status .trouble")
        expect(trouble).to_contain_text("The file is no video: it holds text.")
        expect(trouble).to_contain_text("Choose an mp4, mov or webm file.")
        bring_and_read(page, clips / "smile.mp4")
        expect(trouble).to_have_count(0)
        bring(page, clips / "crash.mp4")
        expect(trouble).to_contain_text("not in what you did")
        expect(page.locator("body")).not_to_contain_text("secret")
        expect(page.locator("body")).not_to_contain_text("Traceback")
        expect(page.locator("#mellm-finding h2")).to_be_visible()
        wait_until(lambda: uploads() == [])


def test_frames_and_pairs_come_in_too(browser, house, clips, tmp_path):
    from PIL import Image

    paths = []
    for number, frame in enumerate(smiling(3)):
        paths.append(tmp_path / f"brow_{number}.png")
        Image.fromarray(frame).save(paths[-1])
    with opened(browser, house.url) as page:
        page.get_by_role("radio", name="Onset and apex").check()
        page.get_by_role("button", name="Analyse pair").click()
        expect(page.locator("#mellm-status .trouble")).to_contain_text("One of the two images is missing.")
        page.locator("#mellm-onset input[type=file]").set_input_files(paths[0])
        page.locator("#mellm-apex input[type=file]").set_input_files(paths[1])
        expect(page.locator("#mellm-apex")).to_contain_text("brow_1")
        page.get_by_role("button", name="Analyse pair").click()
        expect(page.locator("#mellm-finding h2")).to_be_visible(timeout=PATIENCE_MS)
        page.locator("#mellm-input > button").click()
        page.get_by_role("radio", name="Frames or GIF").check()
        page.locator("#mellm-frames input[type=file]").set_input_files(paths)
        expect(page.locator("#mellm-frames")).to_contain_text("brow_2")
        page.get_by_role("button", name="Analyse frames").click()
        wait_until(lambda: house.known.served[-1].startswith("frames-"))
        expect(page.locator("#mellm-status section")).to_have_count(0)
    wait_until(lambda: uploads() == [])


def test_files_that_were_never_measured_go_with_the_page(browser, house, clips):
    with opened(browser, house.url) as page:
        page.get_by_role("radio", name="Frames or GIF").check()
        with page.expect_response(lambda response: "left.png" in (response.request.post_data or "")):
            page.locator("#mellm-frames input[type=file]").set_input_files(
                {"name": "left.png", "mimeType": "image/png", "buffer": b"\x89PNG\r\n\x1a\n not really"}
            )
        assert uploads() != []
    wait_until(lambda: uploads() == [])


def test_nothing_reliable_is_said_as_calmly(browser, house, clips):
    with opened(browser, house.url) as page:
        bring(page, clips / "still.mp4")
        expect(page.locator("#mellm-finding h2")).to_contain_text("No reliable")
        expect(page.locator("#mellm-evidence")).to_contain_text("no action unit")
        expect(page.locator("#mellm-stage figure img").first).to_be_visible()
        expect(page.get_by_role("tab", name="Flicker")).to_be_hidden()
        page.get_by_role("link", name="input ok").click()
        expect(page.locator("#mellm-quality")).to_have_attribute("open", "")


def test_another_candidate_and_another_face(browser, house, clips):
    with opened(browser, house.url) as page:
        bring_and_read(page, clips / "smile.mp4")
        page.locator("#mellm-moment").get_by_role("radio").nth(1).click()
        expect(page.locator("#mellm-moment").get_by_role("radio").nth(1)).to_have_attribute("aria-checked", "true")
        expect(page.locator("#mellm-finding h2")).to_contain_text("ms it moved")
        page.get_by_role("radio", name="Face 2").click()
        expect(page.get_by_role("radio", name="Face 2")).to_have_attribute("aria-checked", "true")


def test_two_visitors_share_nothing(browser, other_browser, house, clips):
    with opened(browser, house.url) as one, opened(other_browser, house.url) as other:
        bring_and_read(one, clips / "smile.mp4")
        expect(other.locator("#mellm-finding h2")).to_have_count(0)
        bring_and_read(other, clips / "brow.mp4")
        expect(other.locator("#mellm-input")).to_contain_text("brow.mp4")
        expect(one.locator("#mellm-input")).to_contain_text("smile.mp4")
        house.reasoner.enqueue("Only for one.")
        ask(one, "Between us")
        expect(one.locator("#mellm-chatbot")).to_contain_text("Only for one.")
        expect(other.locator("#mellm-chatbot")).not_to_contain_text("Between us")


# ------------------------------------------------------------------------------------------ hands and eyes


def test_the_stage_by_keyboard(browser, house, clips):
    with opened(browser, house.url) as page:
        bring_and_read(page, clips / "smile.mp4")
        stage = page.locator("#mellm-stage .stage")
        stage.focus()
        expect(stage.get_by_role("button", name="Pause")).to_be_visible()
        page.keyboard.press("Space")
        expect(stage.get_by_role("button", name="Play")).to_be_visible()
        page.keyboard.press("ArrowRight")
        expect(stage).to_contain_text("frame 125 of 241", ignore_case=True)
        page.keyboard.press("ArrowRight")
        expect(stage).to_contain_text("frame 126 of 241", ignore_case=True)
        page.keyboard.press("a")
        expect(page.locator("#mellm-finding h2")).to_contain_text("At 1250 ms it moved.")
        stage.focus()
        stage.get_by_role("tab", name="Magnified").click()
        expect(stage.locator("img.loop")).to_have_attribute("alt", containing("amplified 8 times; not real"))
        slider = stage.get_by_role("slider", name="Amplification α")
        slider.press("ArrowRight")
        expect(stage.locator("img.loop")).to_have_attribute("alt", containing("amplified 9 times; not real"))


def containing(part: str) -> Any:
    return re.compile(re.escape(part))


def test_flicker_rests_where_motion_is_not_wanted(browser, house, clips):
    with opened(browser, house.url, calm=True) as page:
        bring_and_read(page, clips / "smile.mp4")
        stage = page.locator("#mellm-stage .stage")
        expect(stage.get_by_role("button", name="Play")).to_be_visible()
        expect(stage.locator(".pair .tag")).to_contain_text("onset")
        stage.focus()
        page.keyboard.press("Space")
        expect(stage.locator(".pair .tag")).to_contain_text("apex")


def test_pictures_say_the_finding_in_words(browser, house, clips):
    with opened(browser, house.url) as page:
        bring_and_read(page, clips / "smile.mp4")
        texts = page.locator("#mellm-stage figure img").evaluate_all("images => images.map(image => image.alt)")
        told = [text for text in texts if "mouth corner" in text and "AU12" in text]
        assert len(told) >= 3
        sources = page.locator("#mellm-result img").evaluate_all(
            "images => images.map(image => image.src.slice(0, 11))"
        )
        assert set(sources) == {"data:image/"}
        nameless = page.locator("button:visible, input:visible, textarea:visible").evaluate_all(
            """nodes => nodes.filter(node => !(node.getAttribute('aria-label') || node.innerText.trim() || node.title
                 || (node.labels && node.labels.length))).map(node => node.outerHTML.slice(0, 120))"""
        )
        assert nameless == []


# Contrast as WCAG 2.2 defines it; a background is the first opaque one under the text.
CONTRAST = """selector => {
  const parse = (colour) => { const n = colour.match(/[\\d.]+/g).map(Number); return n.length < 4 ? [...n, 1] : n; };
  const linear = (v) => v / 255 <= .03928 ? v / 255 / 12.92 : ((v / 255 + .055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => .2126 * linear(r) + .7152 * linear(g) + .0722 * linear(b);
  const under = (node) => {
    for (let n = node; n; n = n.parentElement) {
      const colour = parse(getComputedStyle(n).backgroundColor);
      if (colour[3] > .95) return colour;
    }
    return parse(getComputedStyle(document.body).backgroundColor);
  };
  const shown = (node) => node.getClientRects().length && node.innerText.trim();
  return [...document.querySelectorAll(selector)].filter(shown).map(node => {
    const style = getComputedStyle(node), size = parseFloat(style.fontSize), bold = Number(style.fontWeight) >= 700;
    const pair = [light(parse(style.color)), light(under(node))].sort((a, b) => b - a);
    return { text: node.innerText.slice(0, 40), ratio: (pair[0] + .05) / (pair[1] + .05),
             large: size >= 24 || (bold && size >= 18.66) };
  });
}"""
TEXTS = (
    "#mellm-page h1, #mellm-page h2, #mellm-page h3, #mellm-page h4, #mellm-page p, #mellm-page li, "
    "#mellm-page .subdued, "
    "#mellm-page button:not([disabled]), #mellm-page .chip, #mellm-page .badge, #mellm-page td, #mellm-page th, "
    "#mellm-page label, #mellm-chatbot .prose *, .to-chat"
)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
def test_looks_in_light_and_dark_wide_and_narrow(browser, house, clips, dark, viewport):
    with opened(browser, house.url, dark=dark, viewport=viewport) as page:
        assert overflow(page) <= 0
        bring_and_read(page, clips / "smile.mp4")
        assert overflow(page) <= 0
        page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true; })")
        assert overflow(page) <= 0
        pale = [
            found
            for found in page.evaluate(CONTRAST, TEXTS)
            if found["ratio"] < (AA_LARGE_TEXT if found["large"] else AA_NORMAL_TEXT)
        ]
        assert pale == []
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        brightness = sum(int(part) for part in background.strip("rgba() ").split(",")[:3])
        assert (brightness < 200) is dark
        assert page.locator("#mellm-plot").bounding_box()["height"] == pytest.approx(290, abs=2)
        if viewport is NARROW:
            page.get_by_role("link", name="Chat").click()
            expect(page.locator("#mellm-question textarea")).to_be_in_viewport()


# ------------------------------------------------------------------------------------------ a model and the narrator


@pytest.fixture(scope="module")
def talkers() -> Iterator[Served]:
    """A page with a language model, which speaks first, and the narrator."""
    card = replace(SCRIPTED_CARD, name="A model", is_language_model=True, size="3 B parameters", why="A test asked.")
    reasoner, known = ScriptedReasoner(card=card, fallback=(EXPLANATION,)), Known()
    settings = Settings(port=free_port())
    who = Speakers({"gguf": reasoner, "narrator": Narrator(pace_s=0.0)})
    demo = build_app(settings, who, known.engine(), suggest=lambda analysis: SUGGESTED)
    yield Served(launch(demo, settings, block=False, warm=False), reasoner, known)
    demo.close(verbose=False)


def test_what_a_model_says_is_marked_and_its_thoughts_are_folded(browser, talkers, clips):
    with opened(browser, talkers.url) as page:
        bring_and_read(page, clips / "smile.mp4")
        expect(page.locator("#mellm-card")).to_contain_text("3 B parameters")
        said = "The **brows** lowered (AU4), and the lip corners rose (AU12)."
        talkers.reasoner.enqueue(Thought("A <b>smile</b>?"), said, CutOff("length"))
        ask(page, "What moved?")
        answer = page.locator("#mellm-chatbot .bot-row").nth(-2)
        expect(answer.locator("mark.unsupported").first).to_be_visible()
        expect(answer).to_contain_text("cut off here")
        assert "AU4" in " ".join(answer.locator("mark.unsupported").all_inner_texts())
        assert "AU12" not in " ".join(answer.locator("mark.unsupported").all_inner_texts())
        assert "Not supported by the measurements" in answer.locator("mark.unsupported").first.get_attribute("title")
        thought = answer.locator("details.thought")
        expect(thought.locator("div")).not_to_be_visible()
        thought.locator("summary").click()
        expect(thought.locator("div")).to_have_text("A <b>smile</b>?")
        expect(page.locator("#mellm-chatbot .bot-row").last).to_contain_text("not supported by the measurements")


def test_place_and_progress_are_seen_and_another_can_be_chosen(browser, talkers, clips):
    with opened(browser, talkers.url) as page:
        bring_and_read(page, clips / "smile.mp4")
        chat = page.locator("#mellm-chatbot")
        talkers.reasoner.enqueue(Waiting(1), 2.0, Loading("loading the weights", 0.5), 2.0, "and on ", endless=True)
        ask(page, "And?")
        expect(chat).to_contain_text("1 question is answered first")
        expect(chat).to_contain_text("loading the weights, 50 %")
        expect(chat).to_contain_text("and on and on")
        page.locator("#mellm-speaker input").click()
        page.get_by_role("option", name="Narrator").click()
        expect(chat).to_contain_text("From here on Narrator speaks.")
        wait_until(lambda: talkers.reasoner.active == 0)
        expect(page.locator("#mellm-card")).to_contain_text("no model")
        ask(page, "Which side?")
        expect(chat.locator(".bot-row").last).to_contain_text("both sides")


def test_after_a_failure_the_narrator_answers(browser, talkers, clips):
    with opened(browser, talkers.url) as page:
        bring_and_read(page, clips / "smile.mp4")
        talkers.reasoner.enqueue(ReasonerError("The memory ran out. Choose a smaller model."))
        ask(page, "Which side?")
        expect(page.locator("#mellm-chatbot")).to_contain_text("The memory ran out")
        expect(page.locator("#mellm-finding h2")).to_be_visible()
        page.get_by_role("button", name="Let the narrator answer").click()
        expect(page.locator("#mellm-chatbot .bot-row").last).to_contain_text("both sides")
        expect(page.get_by_role("button", name="Let the narrator answer")).to_have_count(0)
        expect(page.locator("#mellm-card")).to_contain_text("Narrator")


class Shared(ScriptedEngine):
    """A model that writes an answer as soon as it may; ``visits`` tells whose page each was for."""

    def __init__(self) -> None:
        self.may_end = threading.Event()
        super().__init__(["Both mouth ", self.may_end, "corners rose."])
        self.visits: list[str | None] = []

    def generate(self, *given) -> None:
        request = LocalContext.request.get(None)
        self.visits.append(request.session_hash if request is not None else None)
        super().generate(*given)


def test_two_visitors_queue_for_one_model_and_both_are_answered(browser, other_browser, clips):
    engine, settings = Shared(), Settings(port=free_port())
    model = Resident(lambda tell: engine, replace(SCRIPTED_CARD, name="A model"), Manner())
    demo = build_app(settings, Speakers({"gguf": model}), Known().engine(), suggest=lambda analysis: SUGGESTED)
    url = launch(demo, settings, block=False, warm=False)
    try:
        with opened(browser, url) as one, opened(other_browser, url) as other:
            first, second = one.locator("#mellm-chatbot"), other.locator("#mellm-chatbot")
            bring(one, clips / "smile.mp4")
            expect(first).to_contain_text("Both mouth")
            bring(other, clips / "brow.mp4")
            expect(second).to_contain_text("1 question is answered first")
            assert len(engine.asked) == 1
            expect(second).not_to_contain_text("Both mouth")
            expect(first).not_to_contain_text("corners rose")
            engine.may_end.set()
            for page in (one, other):
                expect(page.locator("#mellm-chatbot")).to_contain_text("Both mouth corners rose.")
                expect(page.get_by_role("button", name="Explain again")).to_be_enabled()
                expect(page.locator("#mellm-chatbot")).not_to_contain_text("answered first")
    finally:
        engine.may_end.set()
        demo.close(verbose=False)
    assert engine.most == 1
    assert len(set(engine.visits)) == len(engine.visits) == 2
    assert None not in engine.visits


# ------------------------------------------------------------------------------------------ the key of a server


@pytest.mark.parametrize(
    ("refusal", "sentence"), [("401", "refuses the key (401)"), ("400", "does not take the request (400): ‹b›no‹/b›")]
)
def test_the_key_of_a_server_reaches_nobody_but_that_server(browser, clips, tmp_path, caplog, capfd, refusal, sentence):
    """The server repeats the key in its refusal; everything that the page is sent is looked through."""
    caplog.set_level(logging.DEBUG)
    everything = tmp_path / "traffic.har"
    with faulty_server() as server:
        given = {"remote_base_url": server.url, "remote_model": f"{refusal} then well", "remote_api_key": KEY}
        settings = Settings(port=free_port(), **given)
        demo = build_app(settings, engine=Known().engine())
        url = launch(demo, settings, block=False, warm=False)
        try:
            with opened(browser, url, record_har_path=everything, record_har_content="embed") as page:
                bring(page, clips / "smile.mp4")
                chat = page.locator("#mellm-chatbot")
                expect(chat).to_contain_text(sentence)
                ask(page, "Which side?")
                expect(chat).to_contain_text("Both mouth corners rose 微笑.")
                expect(page.get_by_role("button", name="Explain again")).to_be_enabled()
                shown = [page.content()]
                for button in ("JSON", "CSV", "Pictures"):
                    with page.expect_download() as coming:
                        page.get_by_role("button", name=button, exact=True).click()
                    shown.append(taken_home(Path(coming.value.path())))
            for path in ("/", "/config", "/gradio_api/info"):
                shown.append(httpx.get(url.rstrip("/") + path, trust_env=False).raise_for_status().text)
        finally:
            demo.close(verbose=False)
    traffic = everything.read_text(encoding="utf-8")
    logged = "".join(capfd.readouterr()) + caplog.text
    assert server.keys == [f"Bearer {KEY}"] * 2
    assert sentence in traffic
    assert "POST" in logged  # so much is logged that the key could be among it
    for text in (*shown, traffic, logged):
        assert KEY not in text


def taken_home(path: Path) -> str:
    """The text of a download, and of every file in it."""
    if not zipfile.is_zipfile(path):
        return path.read_text(encoding="utf-8")
    with zipfile.ZipFile(path) as archive:
        return "".join(archive.read(name).decode("latin-1") for name in archive.namelist())
