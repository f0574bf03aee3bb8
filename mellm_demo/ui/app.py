"""The app as a whole: engines and reasoner in, ``gr.Blocks`` out; and how it is served.

Nothing heavy is imported before the page is open: what measures and draws is loaded behind it.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable
from weakref import WeakValueDictionary

import gradio as gr
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mellm_demo.reasoning import zero_gpu
from mellm_demo.reasoning.choice import Speakers, speakers
from mellm_demo.reasoning.protocol import Reasoner
from mellm_demo.reasoning.resident import Resident
from mellm_demo.records import Analysis
from mellm_demo.settings import Settings
from mellm_demo.ui.engine import Engine, warm_up
from mellm_demo.ui.events import wire
from mellm_demo.ui.house import House
from mellm_demo.ui.layout import build_page, find_examples
from mellm_demo.ui.session import Uploads
from mellm_demo.ui.theme import UI_ASSETS, asset, theme

TITLE = "MELLM Demo"
CACHE_SWEEP_S = 600  # how often Gradio looks for files that outlived their session
# The page may ask nobody but its own server, whatever a library in it would like to fetch. Gradio's templates need
# inline styles and scripts, and its HTML component evaluates the scripts that this app gives it.
CONTENT_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' data: blob:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
    )
)
RESPONSE_HEADERS = (
    (b"content-security-policy", CONTENT_POLICY.encode()),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)


class KeepToOneself:
    """ASGI middleware: every answer tells the browser to load nothing from elsewhere and to tell nobody."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept = [pair for pair in message.get("headers", ()) if pair[0].lower() not in dict(RESPONSE_HEADERS)]
                message["headers"] = [*kept, *RESPONSE_HEADERS]
            await send(message)

        await self.app(scope, receive, with_headers if scope["type"] == "http" else send)


def build_app(
    settings: Settings,
    reasoner: Reasoner | Speakers | None = None,
    engine: Engine | None = None,
    suggest: Callable[[Analysis], tuple[str, ...]] | None = None,
) -> gr.Blocks:
    """The page with its handlers. Without arguments for them: the real pipeline, and who the settings name to speak.

    Uploads go to a folder of this process that is removed at its end, unless ``GRADIO_TEMP_DIR`` names another one.
    """
    _own_upload_folder()
    if suggest is None:
        from mellm_demo.reasoning.narrator import suggested_questions

        suggest = suggest or suggested_questions
    if reasoner is None:
        reasoner = speakers(settings)
    who = reasoner if isinstance(reasoner, Speakers) else Speakers({"given": reasoner})
    _on_zero_gpu(who)
    lifetime = round(60 * settings.session_minutes)
    examples = find_examples()
    with gr.Blocks(
        title=TITLE, analytics_enabled=False, delete_cache=(CACHE_SWEEP_S, lifetime), fill_width=True
    ) as demo:
        page = build_page(settings, who, examples)
        wire(
            House(
                page=page,
                settings=settings,
                engine=engine or Engine(),
                speakers=who,
                suggest=suggest,
                examples=examples,
                uploads=Uploads(),
                visits=WeakValueDictionary(),
            )
        )
    demo.queue(max_size=settings.queue_size)
    return demo


def _on_zero_gpu(who: Speakers) -> None:
    """Where a card is lent by the call, all models that need it have to be in place before the page opens.

    Also those that do not speak at first: what is loaded when a visitor chooses it would never get to the card.
    """
    placed = [one for one in who.by_key.values() if isinstance(one, Resident) and one.stays]
    if placed:
        zero_gpu.prepare()
    for one in placed:
        one.load_here()
        if one.failure:  # the page says so too, but such a Space may be stopped before anybody sees it
            print(f"{one.card.name} cannot speak. {one.failure}", flush=True)


def launch(demo: gr.Blocks, settings: Settings, *, block: bool = True, warm: bool = True) -> str:
    """Serve the page and return its address; with ``block`` only after it was stopped.

    Nothing is shared, no history is kept, nobody is told: neither Gradio's statistics nor other hosts.
    """
    _, url, _ = demo.launch(
        server_name=settings.host,
        server_port=settings.port or None,
        share=False,
        show_error=False,
        quiet=True,
        prevent_thread_lock=True,
        run_history=False,
        pwa=False,
        ssr_mode=False,
        mcp_server=False,
        enable_monitoring=False,
        max_file_size=f"{settings.max_upload_mb:g}mb",
        allowed_paths=[],
        footer_links=[],
        app_kwargs={"middleware": [Middleware(KeepToOneself)]},
        theme=theme(),
        css=asset("style.css"),
        head=asset("head.html"),
        favicon_path=UI_ASSETS / "favicon.png",
    )
    print(f"MELLM Demo is open at {url}", flush=True)
    if warm:
        warm_up()
    if block:
        demo.block_thread()
    return url


def _own_upload_folder() -> None:
    """Uploads of this process lie together and go with it."""
    if "GRADIO_TEMP_DIR" not in os.environ:
        folder = tempfile.mkdtemp(prefix="mellm-demo-")
        os.environ["GRADIO_TEMP_DIR"] = folder
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
