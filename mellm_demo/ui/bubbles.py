"""The conversation as the chatbot takes it: what was typed as text, thoughts folded, unsupported statements marked.

Markup in the page is this module's own; whatever visitors and models write is escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from mellm_demo.records import Ended, Statement
from mellm_demo.ui.session import Entry
from mellm_demo.wording import Language, legible

ENDINGS: dict[Ended, str] = {
    "stopped": "Stopped.",
    "length": "The answer was cut off here: it reached the greatest length that the settings allow.",
    "repetition": "Stopped here: the model had begun to repeat itself.",
    "failed": "The answer broke off here.",
}
MOST_LISTED = 8  # unsupported statements, and sentences not checked, under an answer; the rest is counted


def messages(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """One message for each entry, in order."""
    return [{"role": entry.role, "content": _content(entry) or "…"} for entry in entries]


def _content(entry: Entry) -> str:
    by_page = entry.kind in ("note", "trouble") or (entry.kind == "kept" and entry.role == "assistant")
    if by_page:
        first, *rest = entry.text.split("\n")
        return "\n".join([f"*{as_typed(first)}*", *(as_typed(line) for line in rest)])
    parts = [_folded(entry.thought, done=bool(entry.text or entry.ended))] if entry.thought else []
    text = marked(entry.text, entry.statements)
    parts += [text] if text.strip() else []
    if entry.state and not entry.text and not entry.ended:
        parts.append(f"*{as_typed(entry.state)} …*")
    if entry.stands_in and entry.text:
        parts.append(f"*{as_typed(entry.speaker)}: {as_typed(entry.stands_in)}*")
    if entry.ended:
        parts.append(f"*{ENDINGS[entry.ended]}*")
    return "\n\n".join(parts)


def _folded(thought: str, *, done: bool) -> str:
    title = "What the model thought first" if done else "The model is thinking …"
    # A text in which a line break ends no paragraph: blank lines within raw markup would end it.
    inside = escape(legible(thought).strip()).replace("\n", "<br>")
    return f"<details class='thought'><summary>{title}</summary><div>{inside}</div></details>"


def as_typed(text: str) -> str:
    """Markdown stays; markup is shown as it was written, and no picture is fetched from anywhere."""
    return legible(text).replace("&", "&amp;").replace("<", "&lt;").replace("![", "!\\[")


def as_meant(shown: str) -> str:
    """What ``as_typed`` was given: the page sends back what it shows."""
    return shown.replace("!\\[", "![").replace("&lt;", "<").replace("&amp;", "&")


def marked(text: str, statements: Sequence[Statement]) -> str:
    """The text as typed, its unsupported statements marked, each with what the measurements say to it."""
    shown, place = "", 0
    for start, end, why in _spans(text, [one for one in statements if not one.supported]):
        shown += as_typed(text[place:start])
        shown += f"<mark class='unsupported' title=\"{escape(why)}\">{as_typed(text[start:end])}</mark>"
        place = end
    return shown + as_typed(text[place:])


def _spans(text: str, wrong: Sequence[Statement]) -> list[tuple[int, int, str]]:
    """Places to mark, apart from each other, whole emphasis included, none in code, each within a line."""
    spans: list[tuple[int, int, str]] = []
    for one in sorted(wrong, key=lambda one: (one.start, one.end)):
        start, end = max(one.start, 0), min(one.end, len(text))
        line = text[text.rfind("\n", 0, start) + 1 : start]
        if start >= end or "\n" in text[start:end] or line.count("`") % 2 or "`" in text[start:end]:
            continue
        start, end = _whole(text, start, end)
        why = f"Not supported by the measurements: {one.why}"
        if spans and start < spans[-1][1]:
            first, last, before = spans[-1]
            spans[-1] = (first, max(last, end), before if one.why in before else f"{before}; {one.why}")
        else:
            spans.append((start, end, why))
    return spans


def _whole(text: str, start: int, end: int) -> tuple[int, int]:
    """A place grown over the emphasis marks that would be torn apart by it."""
    line, line_end = text.rfind("\n", 0, start) + 1, text.find("\n", end)
    line_end = len(text) if line_end < 0 else line_end
    for sign in ("**", "__", "*", "_"):
        if text[start:end].count(sign) % 2:
            after, before = text.find(sign, end, line_end), text.rfind(sign, line, start)
            if after == end or (before < 0 <= after):
                end = after + len(sign)
            elif before >= 0:
                start = before
    return start, end


def checked(tally: str, wrong: Sequence[Statement], unclear: Sequence[str] = (), language: Language = "en") -> str:
    """The line under an answer: how many statements were checked, what the measurements say to the wrong ones, and
    which sentences could not be checked."""
    listed = [f"- {one.claim}: {one.why}" for one in wrong]
    not_checked = "无法核对：" if language == "zh" else "not checked: "
    listed += [f"- {not_checked}“{' '.join(one.split())}”" for one in unclear]
    listed = list(dict.fromkeys(listed))
    more = len(listed) - MOST_LISTED
    return "\n".join([tally, *listed[:MOST_LISTED], *([f"- and {more} more"] if more > 0 else [])])
