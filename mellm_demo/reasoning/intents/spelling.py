"""Slips of the pen, mended."""

from __future__ import annotations

import re

# What questions are made of; a word that is none of them and one slip away from one is taken for it.
_SPELLED_WORDS = """
    action anger angry apex certain colour color cheek compare confidence contempt describe direction disgust duration
    emotion evidence expression eyebrow explain feeling frame happened happiness happy intensity lips measure micro
    milliseconds model mouth moved movement moving muscle muscles noise nose onset pixels positive negative reliable
    region sadness seconds smile smiling sneer stronger strongest summarize surprise surprised symmetric trust unit
    units when where which
"""
_SPELLED = tuple(_SPELLED_WORDS.split())
_LEAST_SPELLED = 5  # letters; shorter words are one slip away from too many others


def spelled(text: str) -> str:
    """A question with its slips of the pen mended: one letter too many, missing, wrong, or two swapped."""

    def mend(found: re.Match[str]) -> str:
        word = found.group()
        if word in _SPELLED or (len(word) < _LEAST_SPELLED and word not in ("wich", "wen", "wher", "hapy")):
            return word
        near = [known for known in _SPELLED if _one_slip(word, known)]
        return near[0] if near else word

    return re.sub(r"[a-z]+", mend, text)


def _one_slip(word: str, known: str) -> bool:
    if abs(len(word) - len(known)) > 1 or word[0] != known[0]:
        return False
    start = next((i for i, (a, b) in enumerate(zip(word, known, strict=False)) if a != b), min(len(word), len(known)))
    rest, wanted = word[start:], known[start:]
    swapped = rest[:2] == wanted[:2][::-1] and rest[2:] == wanted[2:]
    return rest[1:] in (wanted[1:], wanted) or rest == wanted[1:] or swapped
