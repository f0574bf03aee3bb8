"""From a question to its answer: who speaks, what is shown meanwhile, and what becomes of it.

Handlers read and change one ``Visit`` and return what the page shows next. They raise nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import gradio as gr

from mellm_demo.errors import MellmError
from mellm_demo.reasoning.choice import NARRATOR, Loadable
from mellm_demo.reasoning.grounding import check
from mellm_demo.reasoning.guarded import told
from mellm_demo.reasoning.protocol import (
    QUESTION_CHARS,
    CutOff,
    Loading,
    Piece,
    Rewritten,
    SpokenBy,
    Thought,
    Waiting,
    asked_last,
)
from mellm_demo.records import Analysis
from mellm_demo.ui import fragments
from mellm_demo.ui.bubbles import as_meant, checked, messages
from mellm_demo.ui.house import House, Updates, log_failure
from mellm_demo.ui.session import Entry, Visit
from mellm_demo.ui.speech import listen
from mellm_demo.wording import legible

LOADING_TICK_S = 0.3
ANSWER_CHARS = 20_000  # a reasoner that never ends is cut off here
TOLD_CHARS = 200  # of a question that is too long to be put

NO_CLIP_YET = "There is nothing to talk about yet. Bring a clip or choose an example, and ask then."
FORGOTTEN = (
    "What this page shows is no longer known here: the app was started anew, or another copy of it answers now. Bring "
    "the clip again."
)
SPEAKER_FAILED = (
    "The text could not be written because something in the program failed. The measurements stay; ask again."
)


def talk(house: House, visit: Visit) -> Updates:
    """The chat column as it stands now."""
    page, busy = house.page, visit.pending
    suggestions = house.suggest(visit.analysis) if visit.analysis is not None and not busy else ()
    return {
        page.chatbot: messages(visit.entries),
        page.question: gr.Textbox(submit_btn=not busy, stop_btn=busy),
        page.suggestions: list(suggestions),
        page.explain_again: gr.Button(interactive=visit.analysis is not None and not busy),
        page.clear_chat: gr.Button(interactive=bool(visit.entries) and not busy),
    }


async def speak(house: House, visit: Visit) -> AsyncIterator[Updates]:
    """The explanation or the answer that is due, as it comes; then the answers to what was asked meanwhile."""
    cancel = visit.take_up() if visit.analysis is not None else None
    if cancel is None:
        yield {house.page.chatbot: gr.skip()}
    while cancel is not None and visit.analysis is not None:
        analysis, reasoner = visit.analysis, house.speakers.get(visit.speaker)
        turns = visit.turns(present=True)
        entry = visit.writing = Entry("assistant", "", speaker=reasoner.card.name)
        visit.add(entry)
        entries, failed_it = visit.entries, False
        yield talk(house, visit)
        try:
            async for piece in listen(reasoner, analysis, turns, cancel):
                if visit.entries is not entries or visit.stop_speaking is not cancel:
                    return
                take(entry, piece)
                too_long = len(entry.text) + len(entry.thought) > ANSWER_CHARS
                if too_long:
                    entry.text, entry.ended = entry.text[:ANSWER_CHARS], "length"
                yield {house.page.chatbot: messages(visit.entries)}
                if too_long:
                    break
        except Exception as error:
            failure = str(error) if isinstance(error, MellmError) else SPEAKER_FAILED
            if not isinstance(error, MellmError):
                log_failure("reasoner", error)
            entry.ended, failed_it = "failed" if entry.text else "", True
            visit.add(Entry("assistant", failure, kind="trouble"))
        finally:
            cancel.set()
        if visit.entries is not entries or visit.stop_speaking is not cancel:
            return  # somebody else speaks by now
        entry.state, entry.speaker = "", entry.speaker if entry.stands_in else reasoner.card.name
        if not entry.text and not entry.ended and not failed_it:
            visit.add(Entry("assistant", "No text came. The measurements stay; ask again.", kind="trouble"))
            failed_it = True
        if not entry.text and not entry.ended:
            entries.remove(entry)
        if entry.text and reasoner.card.is_language_model and not entry.stands_in:
            await _check(entry, entries, analysis, asked_last(turns))
        if visit.entries is not entries or visit.stop_speaking is not cancel:
            return
        visit.writing, visit.pending = None, False
        cancel = visit.take_up() if visit.put_next() else None
        yield talk(house, visit) | who_speaks(house, visit) | way_out(house, visit, failed_it=failed_it)


async def _check(entry: Entry, entries: list[Entry], analysis: Analysis, question: str) -> None:
    """Hold what a language model wrote against the measurements, and tell the outcome below it."""
    found = await asyncio.to_thread(check, entry.text, analysis, question=question)
    entry.statements, entry.unchecked = found.statements, found.unchecked
    entry.tally = "; ".join(filter(None, (found.tally, told(entry.rewritten, entry.left_out, found.language))))
    unclear = [entry.text[start:end] for start, end in found.unchecked]
    note = Entry("assistant", checked(entry.tally, found.unsupported, unclear, found.language), kind="note")
    if entry in entries:  # else it was taken back meanwhile
        entries.insert(entries.index(entry) + 1, note)


def take(entry: Entry, piece: Piece) -> None:
    """Add to an entry what its writer has sent."""
    if isinstance(piece, str):
        entry.text += legible(piece, after=entry.text)
    elif isinstance(piece, Thought):
        entry.thought += legible(piece.text, after=entry.thought)
    elif isinstance(piece, CutOff):
        entry.ended = piece.reason
    elif isinstance(piece, Rewritten):
        entry.rewritten, entry.left_out = piece.count, piece.left_out
    elif isinstance(piece, SpokenBy):
        entry.speaker, entry.stands_in = piece.card.name, piece.card.notice
    elif isinstance(piece, Waiting):
        entry.state = f"{piece.before} {'question is' if piece.before == 1 else 'questions are'} answered first"
    else:
        entry.state = in_progress(piece)


def in_progress(loading: Loading) -> str:
    """“loading the weights, 40 %”."""
    return loading.what + (f", {100 * loading.share:.0f} %" if loading.share is not None else "")


# ------------------------------------------------------------------------------------------ who speaks


def who_speaks(house: House, visit: Visit) -> Updates:
    """The card of who speaks, with what goes on there."""
    reasoner, state = house.speakers.get(visit.speaker), ""
    if isinstance(reasoner, Loadable):
        loading = reasoner.progress()
        if loading is not None:
            state = f"{in_progress(loading)} …"
        elif reasoner.failure:
            state = reasoner.failure
        elif not reasoner.ready:
            state = "loaded when first needed"
    return {house.page.card: fragments.card(reasoner.card, state), house.page.notice: fragments.notice(reasoner.card)}


def way_out(house: House, visit: Visit, *, failed_it: bool) -> Updates:
    """The offer to have the narrator answer, after somebody else failed."""
    speaks = visit.speaker or house.speakers.default
    offered = failed_it and NARRATOR in house.speakers.by_key and speaks != NARRATOR
    return {house.page.narrator: gr.Button(visible=offered)}


async def attend(house: House, visit: Visit) -> AsyncIterator[Updates]:
    """Have who speaks made ready, and show how far that is until it is over, or somebody else is chosen."""
    key = visit.speaker
    reasoner = house.speakers.get(key)
    shown = who_speaks(house, visit)
    yield shown
    if not isinstance(reasoner, Loadable):
        return
    reasoner.prepare()
    loading = True
    while loading and visit.speaker == key and not visit.closed:
        loading = reasoner.progress() is not None
        now = who_speaks(house, visit)
        if now != shown:
            shown = now
            yield shown
        await asyncio.sleep(LOADING_TICK_S)


def choose(house: House, visit: Visit, key: str) -> Updates:
    """Somebody else speaks from now on; what is being written is ended, what was written stays."""
    if key in house.speakers.by_key and key != (visit.speaker or house.speakers.default):
        _end(visit)
        visit.speaker = key
        if visit.entries:
            visit.add(Entry("assistant", f"From here on {house.speakers.get(key).card.name} speaks.", "note"))
        visit.put_next()
    return talk(house, visit) | who_speaks(house, visit) | way_out(house, visit, failed_it=False)


def narrator_instead(house: House, visit: Visit) -> Updates:
    """The narrator answers what somebody else failed to answer."""
    updates = choose(house, visit, NARRATOR)
    return updates | {house.page.speaker: NARRATOR} | ask_again(house, visit, len(visit.entries))


# ------------------------------------------------------------------------------------------ questions


def stop(house: House, visit: Visit) -> Updates:
    """End the text that is being written; what was written stays, and what was asked meanwhile is answered next."""
    if visit.pending:
        _end(visit)
        visit.put_next()
    return talk(house, visit)


def _end(visit: Visit) -> None:
    if not visit.pending:
        return
    writing = visit.writing
    visit.hush()
    if writing is None or not writing.ended:  # of which nothing had come
        visit.add(Entry("assistant", "", ended="stopped"))


def ask(house: House, visit: Visit, question: str) -> Updates:
    """Put a question; who speaks answers as soon as the turn comes.

    While a clip is measured, or something is being written, it is kept until then.
    """
    page, question = house.page, legible(question or "").strip()
    if not question:
        return {page.question: gr.skip()}
    if len(question) > QUESTION_CHARS:  # what is being written goes on: nothing else was asked
        visit.add(*_too_long(question))
    elif visit.analysis is None and not visit.measuring:
        note = NO_CLIP_YET if visit.arrived else FORGOTTEN
        visit.entries = [Entry("user", question), Entry("assistant", note, kind="note")]
    elif visit.analysis is None or visit.pending:
        visit.keep(question)
    else:
        visit.put(question)
    updates = talk(house, visit)
    updates[page.question] = gr.Textbox("", submit_btn=not visit.pending, stop_btn=visit.pending)
    return updates


def _too_long(question: str) -> list[Entry]:
    """The beginning of a question that is not put, and why it is not."""
    said = (
        f"That question has {fragments.grouped(len(question))} characters; up to "
        f"{fragments.grouped(QUESTION_CHARS)} are read. Ask it more briefly."
    )
    return [Entry("user", f"{question[:TOLD_CHARS]} …", kind="note"), Entry("assistant", said, kind="note")]


def ask_again(house: House, visit: Visit, index: int) -> Updates:
    """Answer the last question up to ``index`` that was put once more; without one, explain once more."""
    put = [i for i, entry in enumerate(visit.entries) if entry.role == "user" and entry.kind == "text"]
    questions = [i for i in put if i <= max(index, visit.about)]
    last = questions[-1] if questions and questions[-1] >= visit.about else None
    if visit.analysis is not None:
        visit.cut(visit.about if last is None else last + 1)
    return _due(house, visit)


def ask_otherwise(house: House, visit: Visit, index: int, question: str) -> Updates:
    """Replace a question and all that followed it; of one that waits, only its words."""
    question = legible(as_meant(question)).strip()
    if len(question) > QUESTION_CHARS:  # the question that was answered stays, and its answer
        visit.add(*_too_long(question))
        return talk(house, visit)
    if not question or not 0 <= index < len(visit.entries) or visit.entries[index].role != "user":
        return talk(house, visit)
    if visit.entries[index].kind == "kept":
        visit.entries[index].text = question
        return talk(house, visit)
    if visit.analysis is None:
        return ask(house, visit, question)
    visit.hush()
    visit.cut(index)
    visit.about = min(visit.about, index)
    visit.put(question)
    return talk(house, visit)


def explain_again(house: House, visit: Visit) -> Updates:
    """A fresh explanation; the conversation about this moment begins anew."""
    visit.cut(visit.about)
    return _due(house, visit)


def clear(house: House, visit: Visit) -> Updates:
    """Forget the conversation; the analysis stays."""
    visit.hush()
    visit.entries, visit.about = [], 0
    return talk(house, visit)


def _due(house: House, visit: Visit) -> Updates:
    visit.hush()
    if visit.analysis is not None:
        visit.expect_answer()
    elif not visit.arrived:
        visit.entries = [Entry("assistant", FORGOTTEN, kind="note")]
    return talk(house, visit)
