"""A program: a whole analysis and two conversations, with everything told that could have left the machine.

``python support_shut_in.py CLIP stay`` prints one line of JSON; with ``reach-out`` it also tries to reach two places
that are nobody's, so that the watch can be seen to see.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import socket
import struct
import sys
import threading
from pathlib import Path
from typing import Any

NETWORK_EVENTS = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "urllib.Request")
QUESTIONS = ("Which action units moved?", "Is this person lying?", "为什么不是愤怒?")
SPEAKERS = ("narrator", "embedded")
ELSEWHERE = ("192.0.2.1", 80)  # an address for documentation: nobody is there
BESIDE = ("127.0.0.1", 9)  # on loopback too, but nothing of ours
GET_FLAGS, SET_FLAGS, UP = 0x8913, 0x8914, 1  # of a network interface, for ioctl
LISTENS = "0A"  # in /proc/net/tcp


def watch(attempts: list[list[Any]]) -> None:
    """Have every attempt to reach the network listed from now on: the event, host and port."""

    def look(event: str, details: tuple[Any, ...]) -> None:
        if event in NETWORK_EVENTS:
            place = details[1] if event in ("socket.connect", "socket.sendto") else details
            attempts.append([event, *place[:2]] if isinstance(place, tuple) else [event, place])

    sys.addaudithook(look)


def open_loopback() -> None:
    """In a network namespace of one's own it is shut at first."""
    with socket.socket() as some:
        flags = struct.unpack("16sh14x", fcntl.ioctl(some, GET_FLAGS, struct.pack("16sh14x", b"lo", 0)))[1]
        if not flags & UP:
            fcntl.ioctl(some, SET_FLAGS, struct.pack("16sh14x", b"lo", flags | UP))


def packets_without_a_way() -> int:
    rows = [line.split()[1:] for line in Path("/proc/net/snmp").read_text().splitlines() if line.startswith("Ip:")]
    return int(dict(zip(*rows, strict=True))["OutNoRoutes"])


def children() -> list[str]:
    """Processes that this one started and that are still there."""
    return [child for task in Path("/proc/self/task").iterdir() for child in (task / "children").read_text().split()]


def listening() -> list[list[Any]]:
    """Host and port of every place where these processes listen."""
    held = {str(end.readlink()) for child in children() for end in Path(f"/proc/{child}/fd").iterdir()}
    rows = [row.split() for name in ("tcp", "tcp6") for row in Path(f"/proc/net/{name}").read_text().splitlines()]
    places = [row[1].split(":") for row in rows if row[3] == LISTENS and f"socket:[{row[9]}]" in held]
    return [[_host(host), int(port, 16)] for host, port in places]


def _host(digits: str) -> str:
    """As it is written; of IPv6 the kernel's digits."""
    return socket.inet_ntoa(bytes.fromhex(digits)[::-1]) if len(digits) == 8 else digits


def session(clip: str) -> dict[str, Any]:
    """Analyse, correct, magnify, talk with each of the app's own speakers, export."""
    from mellm_demo import pipeline
    from mellm_demo.export import to_csv, to_json, to_zip
    from mellm_demo.reasoning.choice import speakers
    from mellm_demo.reasoning.protocol import SpokenBy
    from mellm_demo.records import Turn
    from mellm_demo.settings import Settings

    analysis = pipeline.analyse(clip, Settings())
    analysis = pipeline.reanalyse(analysis, onset_ms=400.0, apex_ms=500.0)
    pipeline.magnified(analysis, 8.0)
    who, said, sizes, stood_in = speakers(Settings()), {}, [], 0
    for key in SPEAKERS:
        turns: list[Turn] = []
        for question in (None, *QUESTIONS):
            if question:
                turns.append(Turn("user", question))
            pieces = list(who.by_key[key].reply(analysis, tuple(turns), threading.Event()))
            stood_in += any(isinstance(piece, SpokenBy) for piece in pieces)
            turns.append(Turn("assistant", "".join(piece for piece in pieces if isinstance(piece, str))))
        said[key] = [turn.text for turn in turns]
        card = who.by_key[key].card
        sizes += [len(part) for part in (to_json(analysis, turns, card), to_csv(analysis), to_zip(analysis))]
    ours = listening()
    who.by_key["embedded"].close()
    return {"said": said, "sizes": sizes, "stood_in": stood_in, "ours": ours, "children": children()}


def main(clip: str, manner: str) -> None:
    """The session under watch."""
    attempts: list[list[Any]] = []
    watch(attempts)
    open_loopback()
    before = packets_without_a_way()
    report = session(clip)
    for place in (ELSEWHERE, BESIDE) if manner == "reach-out" else ():
        with contextlib.suppress(OSError):
            socket.create_connection(place, timeout=1)
    report |= {"attempts": attempts, "packets": packets_without_a_way() - before}
    print(json.dumps(report, default=str))


if __name__ == "__main__":
    main(*sys.argv[1:])
