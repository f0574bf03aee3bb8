"""How soon the page answers, against a bare one-line Gradio page, in one run.

    .venv/bin/python tests/benchmarks/startup.py [--repeat 5]

Each page is started in a fresh process on a free port, both in turn, and the time is taken until it answers with status
200. The first round warms the disk's cache and is not counted. Prints the medians and their ratio.
"""

from __future__ import annotations

import argparse
import os
import platform
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

TOP = Path(__file__).parents[2]
BARE = "import gradio, os; gradio.Interface(str, 'text', 'text').launch(server_port=int(os.environ['MELLM_PORT']))"
GIVE_UP_S = 120.0
POLL_S = 0.02
ALLOWED_RATIO = 1.3


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def seconds_to_answer(command: list[str]) -> float:
    """Start the page and wait for its first answer. Raises RuntimeError where it ends or never answers."""
    port = free_port()
    environment = os.environ | {"MELLM_PORT": str(port), "GRADIO_ANALYTICS_ENABLED": "False"}
    started = time.perf_counter()
    server = subprocess.Popen(
        command, cwd=TOP, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        while time.perf_counter() - started < GIVE_UP_S:
            if server.poll() is not None:
                raise RuntimeError(
                    f"The page ended before it answered: {server.stderr.read() if server.stderr else ''}"
                )
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=GIVE_UP_S) as answer:
                    if answer.status == 200:
                        return time.perf_counter() - started
            except (urllib.error.URLError, ConnectionError):
                time.sleep(POLL_S)
        raise RuntimeError(f"The page did not answer within {GIVE_UP_S:.0f} s.")
    finally:
        server.terminate()
        server.wait(timeout=30)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=5, help="rounds that count")
    repeat = parser.parse_args().repeat
    pages = {"bare Gradio page": [sys.executable, "-c", BARE], "this app": [sys.executable, "app.py"]}
    seconds: dict[str, list[float]] = {name: [] for name in pages}
    for round_number in range(repeat + 1):
        for name, command in pages.items():
            taken = seconds_to_answer(command)
            if round_number:
                seconds[name].append(taken)
    print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, {repeat} rounds")
    for name, values in seconds.items():
        print(f"{name:<18} {statistics.median(values):6.2f} s   ({min(values):.2f} … {max(values):.2f})")
    bare, ours = (statistics.median(values) for values in seconds.values())
    print(f"ratio              {ours / bare:6.2f}     (aim: {ALLOWED_RATIO} at most)")


if __name__ == "__main__":
    main()
