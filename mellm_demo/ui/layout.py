"""The page: its components and where they stand. What they do is in ``events``, how they look in ``assets/ui``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from mellm_demo.reasoning.choice import Speakers
from mellm_demo.settings import Settings
from mellm_demo.ui import fragments
from mellm_demo.ui.pieces import fragment, piece
from mellm_demo.ui.session import Visit
from mellm_demo.ui.theme import ASSETS, UI_ASSETS, asset

VIDEO, FRAMES, PAIR = "Video", "Frames or GIF", "Onset and apex"
IMAGE_TYPES = [".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"]
VIDEO_HEIGHT_PX = 250
SYNTHETIC_PREFIX = "synthetic_"  # of the example clips; the gallery says it in a badge
CLIP_PROMPT = "Your clip"


@dataclass(frozen=True)
class Example:
    """A clip that comes with the app, with a still of it for the gallery."""

    key: str
    path: Path
    caption: str
    poster: str  # data URI, or "" where there is none


@dataclass(frozen=True)
class Page:
    """Every component that an event reads or writes."""

    visit: gr.State
    # input
    input_card: gr.Accordion
    kind: gr.Radio
    video_group: gr.Column
    frames_group: gr.Column
    pair_group: gr.Column
    video: gr.Video
    frames: gr.File
    frame_rate: gr.Number
    frames_go: gr.Button
    onset_file: gr.File
    apex_file: gr.File
    pair_go: gr.Button
    examples: gr.HTML
    # result
    status: gr.HTML
    empty: gr.Column
    result: gr.Column
    finding: gr.HTML
    faces: gr.HTML
    stage: gr.HTML
    timeline: gr.Plot
    moment: gr.HTML
    evidence: gr.HTML
    computed: gr.HTML
    save_json: gr.Button
    save_csv: gr.Button
    save_pictures: gr.Button
    courier: gr.HTML
    # chat
    card: gr.HTML
    notice: gr.HTML
    speaker: gr.Dropdown
    narrator: gr.Button
    chatbot: gr.Chatbot
    suggestions: gr.HTML
    question: gr.Textbox
    explain_again: gr.Button
    clear_chat: gr.Button


def find_examples(folder: Path = ASSETS) -> tuple[Example, ...]:
    """The clips in ``assets``; the still of ``<name>.mp4`` is ``ui/<name>.jpg``, its caption the file's name."""
    from base64 import b64encode

    found = []
    for path in sorted(folder.glob("*.mp4")):
        still = folder / "ui" / f"{path.stem}.jpg"
        poster = f"data:image/jpeg;base64,{b64encode(still.read_bytes()).decode()}" if still.is_file() else ""
        caption = path.stem.removeprefix(SYNTHETIC_PREFIX).replace("_", " ").capitalize()
        found.append(Example(path.stem, path, caption, poster))
    return tuple(found)


def build_page(settings: Settings, who: Speakers, examples: tuple[Example, ...]) -> Page:
    """Create all components inside the present ``gr.Blocks``."""
    parts: dict[str, Any] = {"visit": gr.State(Visit())}
    with gr.Row(elem_id="mellm-page"):
        with gr.Column(elem_id="mellm-main"):
            fragment(asset("header.html"), elem_id="mellm-header")
            parts |= _input(settings, examples)
            parts["status"] = fragment(elem_id="mellm-status")
            with gr.Column(elem_id="mellm-empty") as empty:
                gr.Markdown(asset("empty.md"), elem_classes="prose-card")
            with gr.Column(visible=False, elem_id="mellm-result") as result:
                parts |= _result()
            parts |= {"empty": empty, "result": result}
        with gr.Column(elem_id="mellm-chat"):
            parts |= _chat(who)
    piece("to_chat", None, elem_id="mellm-to-chat")
    return Page(**parts)


def _input(settings: Settings, examples: tuple[Example, ...]) -> dict[str, Any]:
    with gr.Accordion(CLIP_PROMPT, open=True, elem_id="mellm-input") as card:
        kind = gr.Radio(
            [VIDEO, FRAMES, PAIR],
            value=VIDEO,
            label="What you have",
            show_label=False,
            elem_id="mellm-kind",
            container=False,
        )
        with gr.Column(elem_classes="input-kind") as video_group:
            video = gr.Video(
                sources=["upload", "webcam"],
                webcam_options=gr.WebcamOptions(mirror=False),
                label="A clip of one face, as a file or by webcam",
                height=VIDEO_HEIGHT_PX,
                elem_id="mellm-video",
                buttons=[],
            )
        with gr.Column(visible=False, elem_classes="input-kind") as frames_group:
            frames = gr.File(
                file_count="multiple", file_types=[".zip", ".gif", *IMAGE_TYPES],
                label="One zip or GIF, or the images in order",
                height=150, elem_id="mellm-frames",
            )  # fmt: skip
            with gr.Row(elem_classes="input-row"):
                frame_rate = gr.Number(
                    settings.default_frame_rate,
                    minimum=1,
                    maximum=1000,
                    label="Frames per second",
                    elem_id="mellm-rate",
                )
                frames_go = gr.Button("Analyse frames", variant="primary", elem_id="mellm-frames-go")
        with gr.Column(visible=False, elem_classes="input-kind") as pair_group:
            with gr.Row(elem_classes="input-row"):
                onset_file = gr.File(
                    file_types=IMAGE_TYPES, label="Onset: the face at rest", height=130, elem_id="mellm-onset"
                )
                apex_file = gr.File(
                    file_types=IMAGE_TYPES, label="Apex: the movement at its peak", height=130, elem_id="mellm-apex"
                )
            pair_go = gr.Button("Analyse pair", variant="primary", elem_id="mellm-pair-go")
        fragment(f"<p class='limits subdued'>{fragments.limits_line(settings)}</p>")
        gallery = piece(
            "examples",
            [{"key": e.key, "caption": e.caption, "poster": e.poster} for e in examples],
            elem_id="mellm-examples",
            visible=bool(examples),
        )
        gr.Markdown(asset("consent.md"), elem_id="mellm-consent")
    return {
        "input_card": card, "kind": kind, "video_group": video_group, "frames_group": frames_group,
        "pair_group": pair_group, "video": video, "frames": frames, "frame_rate": frame_rate, "frames_go": frames_go,
        "onset_file": onset_file, "apex_file": apex_file, "pair_go": pair_go, "examples": gallery,
    }  # fmt: skip


def _result() -> dict[str, Any]:
    finding = fragment(elem_id="mellm-finding")
    faces = piece("faces", None, elem_id="mellm-faces", visible=False)
    stage = piece("stage", None, elem_id="mellm-stage", loop=None, strip=None)
    with gr.Column(elem_id="mellm-timeline", elem_classes="card"):
        fragment("<h3>Timeline</h3>")
        timeline = gr.Plot(show_label=False, container=False, elem_id="mellm-plot")
        moment = piece("moment", None, elem_id="mellm-moment")
    evidence = fragment(elem_id="mellm-evidence")
    with gr.Accordion("How this was computed", open=False, elem_id="mellm-how"):
        gr.Markdown(asset("how.md"))
        computed = fragment()
    with gr.Row(elem_id="mellm-save"):
        fragment("<span class='save-label'>Save</span>")
        save_json = gr.Button("JSON", size="sm", elem_id="mellm-save-json", min_width=80)
        save_csv = gr.Button("CSV", size="sm", elem_id="mellm-save-csv", min_width=80)
        save_pictures = gr.Button("Pictures", size="sm", elem_id="mellm-save-pictures", min_width=80)
    courier = piece("courier", None, elem_id="mellm-courier")
    return {
        "finding": finding, "faces": faces, "stage": stage, "timeline": timeline, "moment": moment,
        "evidence": evidence, "computed": computed, "save_json": save_json, "save_csv": save_csv,
        "save_pictures": save_pictures, "courier": courier,
    }  # fmt: skip


def _chat(who: Speakers) -> dict[str, Any]:
    with gr.Row(elem_id="mellm-chat-head"):
        card = fragment(fragments.card(who.get(who.default).card), elem_id="mellm-card")
        speaker = gr.Dropdown(
            who.labels(),
            value=who.default,
            label="Who speaks",
            show_label=False,
            container=False,
            elem_id="mellm-speaker",
            visible=len(who.by_key) > 1,
            min_width=120,
        )
        explain_again = gr.Button("Explain again", size="sm", elem_id="mellm-again", interactive=False, min_width=60)
        clear_chat = gr.Button("Clear", size="sm", elem_id="mellm-clear", interactive=False, min_width=60)
    chatbot = gr.Chatbot(
        show_label=False,
        container=False,
        elem_id="mellm-chatbot",
        height=None,
        placeholder=asset("chat_empty.md"),
        buttons=["copy"],
        feedback_options=None,
        editable="user",
        sanitize_html=True,
        allow_tags=False,
        latex_delimiters=[],
        layout="bubble",
        group_consecutive_messages=False,
        autoscroll=False,  # the page keeps the last question in view instead, so that a text is read from its start
        allow_file_downloads=False,
    )
    narrator = gr.Button("Let the narrator answer", size="sm", elem_id="mellm-narrator", visible=False)
    suggestions = piece("suggestions", [], elem_id="mellm-suggestions")
    question = gr.Textbox(
        show_label=False,
        label="Your question",
        placeholder="Ask about the finding …",
        lines=1,
        max_lines=5,
        submit_btn=True,
        container=False,
        elem_id="mellm-question",
    )
    notice = fragment(fragments.notice(who.get(who.default).card))
    return {
        "card": card, "notice": notice, "speaker": speaker, "narrator": narrator, "chatbot": chatbot,
        "suggestions": suggestions, "question": question, "explain_again": explain_again,
        "clear_chat": clear_chat,
    }  # fmt: skip


__all__ = ["UI_ASSETS", "Example", "Page", "build_page", "find_examples"]
