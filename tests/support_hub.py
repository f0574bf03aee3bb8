"""A hub on loopback that holds folders as models: enough of its HTTP interface for huggingface_hub to fetch them."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Hub:
    """The running hub. ``models``: folders by “owner/name”; ``sent``: names of the files sent as a whole."""

    url: str
    models: dict[str, Path] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)


@contextmanager
def hub() -> Iterator[Hub]:
    """Run it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.state = Hub(f"http://127.0.0.1:{server.server_port}")  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.state  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Nothing goes to stderr."""

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        state: Hub = self.server.state  # type: ignore[attr-defined]
        path = self.path.split("?")[0]
        asked = re.fullmatch(r"/api/models/([^/]+/[^/]+)(/.*)?", path)
        file = re.fullmatch(r"/([^/]+/[^/]+)/resolve/[^/]+/(.+)", path)
        if asked and asked[1] in state.models:
            self._send(json.dumps(self._told(state.models[asked[1]], asked[1], asked[2] or "")).encode(), body)
        elif file and file[1] in state.models and (place := state.models[file[1]] / file[2]).is_file():
            self._send_file(place, body)
        else:
            self._send(b"{}", body, 404, {"X-Error-Code": "EntryNotFound" if file else "RepoNotFound"})

    def _told(self, folder: Path, name: str, rest: str) -> object:
        files = sorted(path for path in folder.iterdir() if path.is_file())
        if rest.startswith("/tree"):
            return [
                {"type": "file", "path": path.name, "size": path.stat().st_size, "oid": _digest(path)} for path in files
            ]
        siblings = [{"rfilename": path.name, "size": path.stat().st_size, "blobId": _digest(path)} for path in files]
        return {"id": name, "modelId": name, "sha": COMMIT, "siblings": siblings, "private": False, "tags": []}

    def _send_file(self, place: Path, body: bool) -> None:
        data, status, more = place.read_bytes(), 200, {"ETag": f'"{_digest(place)}"', "X-Repo-Commit": COMMIT}
        part = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if part:
            first, last = int(part[1]), min(int(part[2] or len(data)), len(data) - 1)
            more["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
            data, status = data[first : last + 1], 206
        elif body:
            self.server.state.sent.append(place.name)  # type: ignore[attr-defined]
        self._send(data, body, status, more)

    def _send(self, data: bytes, body: bool, status: int = 200, more: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **(more or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(data)


def _digest(path: Path) -> str:
    return hashlib.sha1(path.read_bytes(), usedforsecurity=False).hexdigest()
