"""Keeping a library's start-up lines out of stderr."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_CHATTER = re.compile(
    rb"All log messages before absl::InitializeLog|inference_feedback_manager|face_landmarker_graph"
    rb"|XNNPACK delegate|gl_context|GPU support|EGL"
)
_STDERR_LOCK = threading.Lock()  # descriptor 2 belongs to the process: one at a time may turn it aside


@contextmanager
def without_chatter() -> Iterator[None]:
    """Keep MediaPipe's start-up lines, which no setting turns off, out of stderr; all other lines pass."""
    with _STDERR_LOCK, tempfile.TemporaryFile() as aside:
        try:
            sys.stderr.flush()
            real = os.dup(2)
        except (OSError, AttributeError, ValueError):  # no stderr, as in a windowed program
            yield
            return
        os.dup2(aside.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(real, 2)
            aside.seek(0)
            for line in aside:
                if not _CHATTER.search(line):
                    os.write(real, line)
            os.close(real)
