"""Text of visitors and of models on its way into a prompt."""

from __future__ import annotations

import re
import unicodedata

from mellm_demo import wording

_CODE_IN_BRACKETS = re.compile(r"\[(/?[A-Z_]{2,20})\]")


def clean(text: str, most: int) -> str:
    """A visitor's (or a model's) text made harmless: NFKC, no control characters, no tags or template marks, cut.

    Angle brackets become quotation marks, since chat templates and our own marks are written with them; square
    brackets around capitals (as in “[INST]”) become round ones.
    """
    text = unicodedata.normalize("NFKC", text[: 2 * most]).replace("\r\n", "\n").replace("\r", "\n")
    kept = wording.legible(text).replace("<", "‹").replace(">", "›")
    kept = _CODE_IN_BRACKETS.sub(r"(\1)", kept)
    kept = re.sub(r"[ \t]+", " ", re.sub(r"\s*\n\s*\n\s*", "\n\n", kept)).strip()
    return kept if len(kept) <= most else kept[:most].rstrip() + " […]"
