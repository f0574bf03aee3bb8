"""A model on any OpenAI-compatible server: messages out, text deltas in. Knows no model, no tokenizer and no settings.

huggingface_hub's client speaks the protocol (see wire), in an event loop of our own: so Stop closes the connection at
once even before the first token, and time-outs count tokens and not packets. Call it from a thread without a running
event loop.

Only what has shown no text yet is tried again: too many requests, a server that is starting or overloaded, a refused
connection. What arrived before a connection was cut has been yielded and stays; the error says that it broke off.
"""

from __future__ import annotations

import asyncio
import base64
import email.utils
import json
import re
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from mellm_demo.errors import ReasonerError, SettingsError
from mellm_demo.reasoning.prompts import DEFAULT_BUDGET, Message, Style, build, clean
from mellm_demo.reasoning.protocol import CutOff, Piece, Thought
from mellm_demo.reasoning.thinking import unfold, until_it_repeats
from mellm_demo.records import Analysis, ReasonerCard, Turn
from mellm_demo.wording import Language, number

TICK_S = 0.05  # Stop is noticed as often
TRIES = 3
FIRST_PAUSE_S = 0.5  # before trying again; doubled each time
LONGEST_PAUSE_S = 20.0  # a server that asks for a longer one is not waited for
RETRIED = frozenset({429, 502, 503, 504})
UNFIT = frozenset({400, 404, 415, 422, 500})  # with which servers refuse images and lengths
MOST_CHARACTERS = 40_000  # of a reply; a model that never ends is stopped here
MOST_TOLD = 160  # characters of the server's own words in a sentence
LEAST_KEY = 4  # characters; what is shorter cannot be told from ordinary text


@dataclass(frozen=True)
class RemoteOptions:
    """Where the model is and how long it may take. Times are seconds."""

    base_url: str  # as for OpenAI's client: up to and including “/v1”
    model: str
    api_key: SecretStr | None = None
    connect_s: float = 10.0
    first_token_s: float = 120.0  # a server may have to load the model or work through a queue
    between_tokens_s: float = 30.0
    max_tokens: int = 1024
    temperature: float = 0.7  # what MELLM was sampled with
    budget: int = DEFAULT_BUDGET  # most tokens of the prompt
    style: Style = "plain"
    template: str | None = None  # see prompts.read_prompt_file
    with_image: bool = True  # False for a text-only model


class _Again(Exception):
    """Nothing has been said yet and the request may be made again."""

    def __init__(self, sentence: str, pause_s: float | None = None) -> None:
        super().__init__(sentence)
        self.sentence, self.pause_s = sentence, pause_s


class RemoteModel:
    """A Reasoner that asks a server.

    language: of the first explanation. Raises SettingsError where URL, model or key cannot be used.
    """

    def __init__(self, options: RemoteOptions, language: Language = "en") -> None:
        self._url, self._host = _endpoint(options.base_url)
        if not options.model.strip():
            raise SettingsError("A remote model needs a name. Set MELLM_REMOTE_MODEL to one that the server offers.")
        self._options, self._language = options, language
        self._key = _key(options.api_key)

    @property
    def card(self) -> ReasonerCard:
        return ReasonerCard(
            name=self._options.model,
            is_language_model=True,
            size="as served",
            precision="as served",
            device=self._host,
            why=f"The settings name a server, {self._host}." + ("" if self._options.with_image else UNSEEN),
            notice="written by a language model on a server; it can be wrong",
        )

    def __repr__(self) -> str:
        return f"RemoteModel({self._options.model!r} at {self._host})"

    def reply(self, analysis: Analysis, turns: Sequence[Turn], cancel: threading.Event) -> Iterator[Piece]:
        """Pieces as they arrive; see protocol.Reasoner."""
        options = self._options
        prompt = build(
            analysis,
            turns,
            language=self._language,
            style=options.style,
            template=options.template,
            budget=options.budget,
            sees=options.with_image,
        )
        body = {
            "model": options.model,
            "messages": [_as_openai(message) for message in prompt.messages],
            "stream": True,
            "max_tokens": options.max_tokens,
            "temperature": options.temperature,
        }
        yield from until_it_repeats(unfold(self._streamed(body, cancel)))

    def _streamed(self, body: dict[str, Any], cancel: threading.Event) -> Iterator[Piece]:
        with asyncio.Runner() as runner:
            pieces = self._pieces(body)
            try:
                while not cancel.is_set():
                    piece = runner.run(_next(pieces, cancel))
                    if piece is None:
                        return
                    yield piece
            finally:
                runner.run(pieces.aclose())

    # ------------------------------------------------------------------------------------------ asking

    async def _pieces(self, body: dict[str, Any]) -> AsyncGenerator[Piece, None]:
        """Pieces as they arrive, over as many tries as are allowed; bounded in length, never empty."""
        told, thought = 0, 0
        for tried in range(1, TRIES + 1):
            try:
                async with aclosing(self._once(body)) as pieces:
                    async for piece in pieces:
                        told += len(piece) if isinstance(piece, str) else 0
                        thought += len(piece.text) if isinstance(piece, Thought) else 0
                        yield piece
                        if told + thought > MOST_CHARACTERS:
                            raise self._error(
                                f"wrote more than {MOST_CHARACTERS} characters and was stopped",
                                "Ask a narrower question.",
                            )
                break
            except _Again as again:
                pause = FIRST_PAUSE_S * 2 ** (tried - 1) if again.pause_s is None else again.pause_s
                if tried == TRIES or pause > LONGEST_PAUSE_S:
                    raise ReasonerError(again.sentence) from None
            await asyncio.sleep(pause)
        if not told:
            raise self._error("returned no text", "Ask again, or choose another model.")

    async def _once(self, body: dict[str, Any]) -> AsyncGenerator[Piece, None]:
        """One request. Raises _Again before the first piece where it may be repeated, else ReasonerError."""
        import httpx2
        from huggingface_hub.errors import InferenceTimeoutError, TextGenerationError

        from mellm_demo.reasoning import wire

        limit = self._options.first_token_s
        due = time.monotonic() + limit
        begun = False
        client = wire.client_of(self._url, self._key, self._options.connect_s)
        try:
            events = aiter(await asyncio.wait_for(client.chat_completion(**body), limit))
            last = False
            while not last:  # “[DONE]” tells no more, and comes in as many spellings as there are servers
                try:
                    event = await asyncio.wait_for(anext(events), max(due - time.monotonic(), 0.001))
                except StopAsyncIteration:
                    raise self._broken(begun) from None
                pieces, last = self._piece(event)
                for piece in pieces:
                    begun = True
                    yield piece
                if pieces:  # an event that carries nothing is no sign of life: it could come for ever
                    due = time.monotonic() + self._options.between_tokens_s
        except wire.Refused as refusal:
            raise self._refused(refusal.status, refusal.retry_after, refusal.text) from None
        except InferenceTimeoutError:
            wait = number(self._options.connect_s, 0)
            raise self._error(f"cannot be reached: no connection within {wait} s", CHECK_URL) from None
        except TimeoutError:
            raise self._late(begun) from None
        except TextGenerationError as error:
            words = self._words(json.dumps(error.args[0]))
            raise self._error(f"broke off with an error{words}", "Ask again.") from None
        except httpx2.ConnectError:
            raise _Again(f"The server {self._host} cannot be reached. {CHECK_URL}") from None
        except (httpx2.HTTPError, httpx2.StreamError):
            raise self._broken(begun) from None
        except (wire.Unreadable, ValueError, LookupError, AttributeError, TypeError, RecursionError):
            raise self._error("sent something that is no chat reply", f"{CHECK_URL[:-1]}, or ask again.") from None
        finally:
            await client.close()

    def _piece(self, event: Any) -> tuple[list[Piece], bool]:
        """What an event brings, and whether it is the last.

        Raises what Python raises where it is of another shape: the library checks none.
        """
        if event.choices is None:
            raise TypeError
        if not event.choices:  # the usage at the end
            return [], False
        choice = event.choices[0]
        said = choice.delta or SimpleNamespace(**getattr(choice, "message", {}))  # a message: all at once
        told = {key: value for key, value in vars(said).items() if value is not None}
        text, thought = told.get("content", ""), told.get("reasoning_content") or told.get("reasoning", "")
        if not isinstance(text, str) or not isinstance(thought, str):
            raise TypeError
        pieces: list[Piece] = [Thought(thought)] if thought else []
        pieces += [text] if text else []
        pieces += [CutOff("length")] if choice.finish_reason == "length" else []
        return pieces, bool(choice.finish_reason)

    # ------------------------------------------------------------------------------------------ what went wrong

    def _error(self, what: str, then: str) -> ReasonerError:
        return ReasonerError(f"The server {self._host} {what}. {then}")

    def _late(self, begun: bool) -> ReasonerError:
        if begun:
            wait = number(self._options.between_tokens_s, 0)
            return self._error(f"fell silent for {wait} s, so the answer broke off here", "Ask again.")
        wait = number(self._options.first_token_s, 0)
        return self._error(f"did not begin to answer within {wait} s", "It may be busy or loading; ask again later.")

    def _broken(self, begun: bool) -> ReasonerError:
        if begun:
            return self._error("lost the connection, so the answer broke off here", "Ask again.")
        return self._error("closed the connection before it answered", "Ask again.")

    def _refused(self, status: int, retry_after: str, text: str) -> Exception:
        """What a status means to the visitor; _Again for those that pass."""
        model = self._options.model
        if status in (401, 403):
            key = "the key" if self._key else "a request without a key"
            return self._error(f"refuses {key} ({status})", "Set MELLM_REMOTE_API_KEY to a key that may use the model.")
        words = self._words(text)
        if status in UNFIT and (unfit := self._unfit(status, words)):
            return unfit
        if status == 404:
            return self._error(
                f"knows no model “{model}” at this address (404)", f"Check MELLM_REMOTE_MODEL. {CHECK_URL}"
            )
        if status == 413:
            return self._error("finds the request too large (413)", "Ask a shorter question or begin a new chat.")
        if status in RETRIED:
            busy = "has too many requests" if status == 429 else "is starting, overloaded or down"
            pause = _retry_after(retry_after)
            later = f"Ask again in {number(pause, 0)} s." if pause else "Ask again later."
            return _Again(f"The server {self._host} {busy} ({status}). {later}", pause)
        if status >= 500:
            return self._error(f"failed ({status}){words}", "Ask again; if it stays so, look into the server's log.")
        if 300 <= status < 400:
            return self._error(f"points to another address ({status})", "Set MELLM_REMOTE_BASE_URL to the final one.")
        hint = "If its model takes no images, set MELLM_REMOTE_IMAGE=off. " if self._options.with_image else ""
        return self._error(
            f"does not take the request ({status}){words}",
            f"{hint}If prompt and answer are too long for it, set a smaller MELLM_REMOTE_CONTEXT_TOKENS.",
        )

    def _unfit(self, status: int, words: str) -> ReasonerError | None:
        """Where the server's words say that it is the image, or the length, that it does not take."""
        said = words.replace(self._options.model, "")  # “some-vision-model” says nothing of images
        if self._options.with_image and IMAGE_WORDS.search(said):
            return self._error(
                f"does not take the image ({status}){words}",
                "Set MELLM_REMOTE_IMAGE=off, and it is told the measurements in words only; or name a model that sees.",
            )
        if LENGTH_WORDS.search(said):
            return self._error(
                f"has no room for this prompt and answer ({status}){words}",
                "Set MELLM_REMOTE_CONTEXT_TOKENS to what it has room for.",
            )
        return None

    def _words(self, text: str) -> str:
        """The server's own words, cut, in one line, the key taken out."""
        with suppress(ValueError, AttributeError, TypeError):
            data = json.loads(text)
            data = data.get("error", data) if isinstance(data, dict) else data
            found = data.get("message") or data.get("detail") if isinstance(data, dict) else data
            text = found if isinstance(found, str) else text
        if self._key and len(self._key) >= LEAST_KEY:
            text = text.replace(self._key, "…")
        told = re.sub(r"\s+", " ", clean(text, MOST_TOLD)).rstrip(".")
        return f": {told}" if told else ""


CHECK_URL = "Check MELLM_REMOTE_BASE_URL."
UNSEEN = " It is not sent the image and goes by the measurements in words."
IMAGE_WORDS = re.compile(r"image|multi-?modal|vision|mmproj", re.IGNORECASE)
LENGTH_WORDS = re.compile(
    r"context (?:length|size|window)|maximum model length|max_model_len|max_new_tokens|too long|too many tokens",
    re.IGNORECASE,
)


# --------------------------------------------------------------------------------------------- the protocol


async def _next(pieces: AsyncIterator[Piece], cancel: threading.Event) -> Piece | None:
    """The next piece; None at the end, or soon after ``cancel`` is set, with the connection closed."""

    async def step() -> Piece | None:
        return await anext(pieces, None)

    task = asyncio.ensure_future(step())
    while True:
        await asyncio.wait({task}, timeout=TICK_S)
        if task.done():
            return task.result()
        if cancel.is_set():
            task.cancel()
            with suppress(asyncio.CancelledError, ReasonerError):
                await task
            return None


def _retry_after(header: str) -> float | None:
    """Seconds to wait, from a number or a date."""
    if re.fullmatch(r"\d{1,6}(?:\.\d+)?", header.strip()):
        return float(header)
    with suppress(ValueError, TypeError):
        return max(email.utils.parsedate_to_datetime(header).timestamp() - time.time(), 0.0)
    return None


def _as_openai(message: Message) -> dict[str, Any]:
    if message.image_png is None:
        return {"role": message.role, "content": message.text}
    url = f"data:image/png;base64,{base64.b64encode(message.image_png).decode()}"
    image = {"type": "image_url", "image_url": {"url": url}}
    return {"role": message.role, "content": [image, {"type": "text", "text": message.text}]}


def _endpoint(base_url: str) -> tuple[str, str]:
    """The URL to post to, and the host as it is told."""
    try:
        parts = urlsplit(base_url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not host:
        raise SettingsError("MELLM_REMOTE_BASE_URL is no web address. Give one like “http://127.0.0.1:8000/v1”.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise SettingsError(
            "MELLM_REMOTE_BASE_URL holds a user, a query or a fragment. Give the plain address, and the key in "
            "MELLM_REMOTE_API_KEY."
        )
    path = parts.path.rstrip("/") or "/v1"
    path = path if path.endswith("/chat/completions") else f"{path}/chat/completions"
    return f"{parts.scheme}://{parts.netloc}{path}", f"{host}:{port}" if port else host


def _key(secret: SecretStr | None) -> str:
    key = secret.get_secret_value().strip() if secret else ""
    if not key.isascii() or not key.isprintable():
        raise SettingsError(
            "MELLM_REMOTE_API_KEY holds characters that no key has. Copy it again, without line breaks."
        )
    return key
