"""huggingface_hub's client for inference servers, held to the one server that the settings name.

Left to itself it sends the token of whoever is logged in on this machine, follows redirects to other hosts, asks nobody
where HF_HUB_OFFLINE is set, tells what is installed here, logs what a server wants logged, reads lines of any length,
takes a redirect for an answer, and hears nothing where a server answers in one piece.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import cache

import httpx2
from huggingface_hub import AsyncInferenceClient, set_async_client_factory

MOST_LINE_BYTES = 2**20  # of one event; a token is a few bytes
MOST_ERROR_BYTES = 4096  # read of a refusal
LONGEST_ERROR_S = 2.0


class Refused(Exception):
    """A status other than 200: with the pause that was asked for and the beginning of what was said, both as sent."""

    def __init__(self, status: int, retry_after: str, text: str) -> None:
        super().__init__(status)
        self.status, self.retry_after, self.text = status, retry_after, text


class Unreadable(Exception):
    """A line of more than MOST_LINE_BYTES, or bytes that are packed although nobody asked for that."""


def client_of(url: str, key: str, connect_s: float) -> AsyncInferenceClient:
    """A client for one request to ``url``, with ``key`` (“”: none) and nothing else that tells who asks.

    Makes no connection. ``chat_completion(…, stream=True)`` may raise Refused and Unreadable besides its own errors;
    the caller sees to all time-outs but the one of connecting, and closes the client.
    """
    set_async_client_factory(_session)
    return AsyncInferenceClient(
        base_url=url,
        api_key=key or "none",  # it would look for a token of this machine; the header, which counts, says who asks
        headers={
            "authorization": f"Bearer {key}" if key else None,  # None: not sent
            "user-agent": "mellm-demo",
            "accept": "text/event-stream, application/json",
            "accept-encoding": "identity",  # the bound of a line counts bytes as they come
        },
        timeout=httpx2.Timeout(None, connect=connect_s),
    )


def _session() -> httpx2.AsyncClient:
    return httpx2.AsyncClient(verify=_trusted(), follow_redirects=False, event_hooks={"response": [_look]})


@cache
def _trusted() -> ssl.SSLContext:
    """The certificates that are trusted, read once."""
    return httpx2.create_ssl_context()


async def _look(response: httpx2.Response) -> None:
    """Before the library sees it: refusals are told with what was said, and lines get an end."""
    if response.status_code != 200:
        raise Refused(response.status_code, response.headers.get("retry-after", ""), await _beginning(response))
    if response.headers.get("content-encoding", "identity") != "identity":
        raise Unreadable
    response.headers.pop("x-hf-warning", None)  # is logged, whatever it says
    assert isinstance(response.stream, httpx2.AsyncByteStream)
    response.stream = _Bounded(response.stream, whole="json" in response.headers.get("content-type", ""))


class _Bounded(httpx2.AsyncByteStream):
    """The same bytes with lines of bounded length; ``whole``: JSON in one piece, made into the only event."""

    def __init__(self, stream: httpx2.AsyncByteStream, whole: bool) -> None:
        self._stream, self._whole = stream, whole

    async def __aiter__(self) -> AsyncIterator[bytes]:
        line = 0
        if self._whole:
            yield b"data: "
        async for part in self._stream:
            part = part.translate(None, b"\r\n") if self._whole else part  # no JSON text needs them
            end = part.rfind(b"\n") + 1
            line = len(part) - end + (0 if end else line)
            if line > MOST_LINE_BYTES:
                raise Unreadable
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()


async def _beginning(response: httpx2.Response) -> str:
    """The first bytes of a refusal, as text; nothing where they do not come."""
    data = b""
    with suppress(httpx2.HTTPError, httpx2.StreamError, TimeoutError):
        async with asyncio.timeout(LONGEST_ERROR_S):
            async for part in response.aiter_bytes():
                data += part
                if len(data) >= MOST_ERROR_BYTES:
                    break
    return data[:MOST_ERROR_BYTES].decode("utf-8", "replace")
