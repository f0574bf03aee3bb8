"""Any image-text model that transformers loads, in this process: from a folder or a hub, on a card or a CPU.

No branches for models: what a model can do is found out by trying its processor and chat template once, and kept in a
small record. How weights come into memory is ``loading``'s matter.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

import numpy as np

from mellm_demo.errors import ReasonerError, WeightsError
from mellm_demo.reasoning import loading, memory
from mellm_demo.reasoning.answering import Emit, Manner, Stopped
from mellm_demo.reasoning.checkpoint import Checkpoint, adapter_bytes, inspect, is_hub_id, named
from mellm_demo.reasoning.hardware import hardware
from mellm_demo.reasoning.llamacpp import parameters_told
from mellm_demo.reasoning.loading import Attention
from mellm_demo.reasoning.precision import Plan, Precision, plan
from mellm_demo.reasoning.processors import load_processor
from mellm_demo.reasoning.prompts import Message, map_png
from mellm_demo.reasoning.protocol import CutOff, Piece
from mellm_demo.reasoning.resident import NOTICE, Resident, Tell, short
from mellm_demo.reasoning.zero_gpu import lends_to, on_gpu
from mellm_demo.records import ReasonerCard
from mellm_demo.wording import Language

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

MAP_PX = 448  # side of the motion map
DEFAULT_MAX_PIXELS = MAP_PX * MAP_PX
DEFAULT_CONTEXT = 4096
END_S = 30.0  # waited for the thread that writes, before it is left to itself
TOP_P = 0.9


@dataclass(frozen=True)
class LocalOptions:
    """Which model, and how it is run."""

    model: str  # a folder, or “owner/name” on a hub
    adapter: str | None = None  # a folder (or hub name) with a LoRA adapter
    precision: Precision = "auto"
    device: str = "auto"
    attention: Attention = "auto"
    max_pixels: int = DEFAULT_MAX_PIXELS  # larger images are made smaller
    context: int = DEFAULT_CONTEXT
    why: str = "The settings name this model."


@dataclass(frozen=True)
class Capabilities:
    """What was found out about a model's processor and template."""

    system: bool  # takes a system part; otherwise it goes before the first question
    parts: bool  # takes contents as lists of parts; otherwise as plain text
    image_tokens: int  # of the motion map; 0: it does not see


def local_model(options: LocalOptions, manner: Manner, language: Language = "en") -> Resident:
    """A Reasoner that will load this model when it is first needed.

    Raises WeightsError where the folder does not hold one.
    """
    if is_hub_id(options.model):
        name, size = options.model, ""
    else:
        found = inspect(Path(options.model).expanduser())
        name, size = found.name, _size(found)
    card = ReasonerCard(name, True, size or "not loaded yet", "as it fits", "as found", options.why, NOTICE)
    stays = lends_to(options.device)
    return Resident(lambda tell: Transformer(options, tell), card, manner, language, stays=stays)


class Transformer:
    """An Engine: a model in transformers' hands.

    Raises ReasonerError or WeightsError, with a sentence, where it cannot be loaded.
    """

    lost = False  # it is a part of this process

    def __init__(self, options: LocalOptions, tell: Tell) -> None:
        reserve = memory.reserve()  # before the libraries, whose memory is none of the analysis's
        tell("loading the libraries", None)
        self._torch = loading.libraries()
        found = replace(hardware(options.device, self._torch), reserve=reserve)
        adapter = loading.folder_of(options.adapter, tell) if options.adapter else None
        beside = adapter_bytes(adapter) if adapter else 0

        def planned(checkpoint: Checkpoint) -> Plan:
            return plan(checkpoint, found, options.precision, _context(checkpoint, options.context), beside)

        folder = loading.folder_of(options.model, tell, planned)
        checkpoint = inspect(folder)
        self.context = _context(checkpoint, options.context)
        chosen = planned(checkpoint)
        self._plan, self._max_pixels = chosen, options.max_pixels
        with loading.progress(tell):
            self._processor = load_processor(folder, checkpoint, options.max_pixels)
            self._model = loading.load(checkpoint, chosen, options.attention)
            if adapter is not None:
                loading.adapt(self._model, adapter)
        tell("looking at a first image", None)
        self._can = self._found_out()
        self.sees = self._can.image_tokens > 0
        self._stopped: Stopped = _never
        self._stop_within_layers()
        self._stream = on_gpu(self._pieces, _estimated_s, chosen.device)
        self.card = ReasonerCard(
            name=checkpoint.name + (f" + {named(adapter)}" if adapter else ""),
            is_language_model=True,
            size=_size(checkpoint),
            precision=chosen.precision if not checkpoint.quantised_by else f"quantised ({checkpoint.quantised_by})",
            device=chosen.device,
            why=f"{options.why} {chosen.reason[0].upper()}{chosen.reason[1:]}."
            + ("" if self.sees else " It does not see the image and goes by the measurements in words."),
            notice=NOTICE,
        )

    def interrupt(self) -> None:
        """Nothing that could not be stopped: layers look whether to."""

    def close(self) -> None:
        """Free the memory."""
        del self._model, self._processor, self._stream
        if self._plan.device.startswith("cuda"):
            self._torch.cuda.empty_cache()

    # ------------------------------------------------------------------------------------------ what it can do

    def _found_out(self) -> Capabilities:
        system, parts = True, True
        trial = (Message("system", "s"), Message("user", "u"))
        last: object = "it leaves out what is asked"
        for parts in (True, False):
            for system in (True, False):
                try:
                    rendered = self._rendered(trial, Capabilities(system, parts, 0))
                except Exception as error:  # whatever a template raises: it does not take this shape
                    last = error
                    continue
                if "u" in rendered:
                    break
            else:
                continue
            break
        else:
            raise WeightsError(
                f"The model has no chat template that can be used ({short(last)}). Choose one that is made for "
                "conversations."
            )
        can = Capabilities(system, parts, 0)
        gray = map_png(np.full((MAP_PX, MAP_PX, 3), 128, np.uint8))
        try:
            counts = [self._inputs((Message("user", "?", png),), can)["input_ids"].shape[1] for png in (None, gray)]
        except Exception:  # a processor that takes no image in any way that the template can express
            return can
        return Capabilities(system, parts, max(counts[1] - counts[0], 0))

    def _rendered(self, messages: Sequence[Message], can: Capabilities) -> str:
        """The prompt as text, by the model's own template."""
        told: list[dict[str, Any]] = []
        before = ""
        for message in messages:
            if message.role == "system" and not can.system:
                before = f"{message.text}\n\n"
                continue
            text, before = before + message.text, ""
            content: Any = text
            if can.parts:
                content = [{"type": "image"}] if message.image_png else []
                content.append({"type": "text", "text": text})
            told.append({"role": message.role, "content": content})
        rendered = self._processor.apply_chat_template(told, add_generation_prompt=True, tokenize=False)
        return str(rendered)

    def _inputs(self, messages: Sequence[Message], can: Capabilities) -> Any:
        pictures = [self._picture(message.image_png) for message in messages if message.image_png]
        text = self._rendered(messages, can)
        images = {"images": pictures} if pictures else {}
        return self._processor(
            text=[text], return_tensors="pt", add_special_tokens=not _begins(self._words, text), **images
        )

    @property
    def _words(self) -> Any:
        return getattr(self._processor, "tokenizer", self._processor)

    def _picture(self, png: bytes) -> Picture:
        """RGB, no larger than allowed."""
        from PIL import Image as Pictures

        picture = Pictures.open(io.BytesIO(png)).convert("RGB")
        pixels = picture.width * picture.height
        if pixels > self._max_pixels:
            scale = (self._max_pixels / pixels) ** 0.5
            size = (max(int(picture.width * scale), 28), max(int(picture.height * scale), 28))
            picture = picture.resize(size, Pictures.Resampling.BICUBIC)
        return picture

    def count(self, text: str) -> int:
        """Tokens by the model's own tokenizer."""
        return len(self._words(text, add_special_tokens=False)["input_ids"])

    def image_tokens(self) -> int:
        return self._can.image_tokens

    # ------------------------------------------------------------------------------------------ writing

    def generate(self, messages: Sequence[Message], manner: Manner, emit: Emit, stopped: Stopped) -> None:
        """Write a reply; see resident.Engine."""
        stream: Iterator[Piece | None] = self._stream(tuple(messages), manner)
        try:
            for piece in stream:
                if stopped():
                    return
                if piece is not None:
                    emit(piece)
        finally:
            close = getattr(stream, "close", None)
            if close is not None:
                close()

    def _pieces(self, messages: tuple[Message, ...], manner: Manner) -> Iterator[Piece | None]:
        """Pieces as they are written; None now and then, so that whoever listens can leave. Closing it stops the model.

        All that needs a graphics card happens between its first step and its end.
        """
        queue: SimpleQueue[Piece | BaseException | None] = SimpleQueue()
        stop = threading.Event()
        thread = threading.Thread(
            target=self._write, args=(messages, manner, queue, stop), name="transformers", daemon=True
        )
        thread.start()
        try:
            while True:
                try:
                    piece = queue.get(timeout=0.05)
                except Empty:
                    yield None
                    continue
                if piece is None:
                    return
                if isinstance(piece, BaseException):
                    raise piece
                yield piece
        finally:
            stop.set()
            thread.join(END_S)

    def _write(
        self,
        messages: tuple[Message, ...],
        manner: Manner,
        queue: SimpleQueue[Piece | BaseException | None],
        stop: threading.Event,
    ) -> None:
        try:
            self._stopped = stop.is_set
            self._generate(messages, manner, queue.put, stop.is_set)
            queue.put(None)
        except _Stopped:
            queue.put(None)
        except BaseException as error:  # raised again where the text is awaited
            queue.put(error)
        finally:
            self._stopped = _never

    def _generate(self, messages: tuple[Message, ...], manner: Manner, emit: Emit, stopped: Stopped) -> None:
        from transformers import StoppingCriteria, StoppingCriteriaList

        torch, words = self._torch, self._words
        text = self._rendered(messages, self._can)
        inputs = self._inputs(messages, self._can)
        length = inputs["input_ids"].shape[1]
        if length + manner.max_tokens > self.context + 64:  # 64: what a template may add beyond the estimate
            raise ReasonerError(
                f"Measurements and conversation take {length} tokens, but the model is given "
                f"{self.context - manner.max_tokens}. Ask a shorter question, or set a longer context."
            )
        inputs = inputs.to(self._model.device, self._model.dtype)

        class AskedTo(StoppingCriteria):
            def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:
                return torch.full((input_ids.shape[0],), stopped(), dtype=torch.bool, device=input_ids.device)

        if text.rstrip().endswith("<think>"):  # the template began the thought, so its end would have no beginning
            emit("<think>")
        sampled = {"do_sample": True, "temperature": manner.temperature, "top_p": TOP_P} if manner.temperature else {
            "do_sample": False, "temperature": None, "top_p": None, "top_k": None,
        }  # fmt: skip
        with torch.inference_mode():
            written = self._model.generate(
                **inputs,
                **sampled,
                max_new_tokens=manner.max_tokens,
                streamer=_streamer(words, emit),
                stopping_criteria=StoppingCriteriaList([AskedTo()]),
            )
        ends = self._model.generation_config.eos_token_id
        ends = set(ends) if isinstance(ends, (list, tuple)) else {ends}
        new = written[0][length:] if written.shape[1] > length else written[0]
        if len(new) >= manner.max_tokens and int(new[-1]) not in ends and not stopped():
            emit(CutOff("length"))

    def _stop_within_layers(self) -> None:
        """Have every layer of tower and language model look whether to stop: a long prompt is one step of generate."""

        def look(*_: Any) -> None:
            if self._stopped():
                raise _Stopped

        for part in self._model.modules():
            if isinstance(part, self._torch.nn.ModuleList) and len(part) > 1:
                for layer in part:
                    layer.register_forward_pre_hook(look)


def _never() -> bool:
    return False


class _Stopped(Exception):
    """Out of the middle of a forward pass."""


def _streamer(words: Any, emit: Emit) -> Any:
    """Text as soon as it is whole: words, or characters of scripts without spaces."""
    from transformers import TextStreamer

    class Streamer(TextStreamer):
        def on_finalized_text(self, text: str, stream_end: bool = False) -> None:
            if text:
                emit(text)

    return Streamer(words, skip_prompt=True, skip_special_tokens=True)


def _begins(words: Any, text: str) -> bool:
    """Whether a rendered prompt begins with the token that tokenizers put first, which must not come twice."""
    first = getattr(words, "bos_token", None)
    return bool(first) and text.startswith(str(first))


def _estimated_s(messages: Sequence[Message], manner: Manner) -> int:
    """Seconds of a graphics card that a reply may take, at a slow 15 tokens/s; for ZeroGPU's schedule."""
    return min(15 + manner.max_tokens // 15, 120)


def _context(checkpoint: Checkpoint, wanted: int) -> int:
    """Tokens of prompt and answer: no more than the model was made for."""
    return min(wanted, checkpoint.text("max_position_embeddings") or wanted)


def _size(checkpoint: Checkpoint) -> str:
    if checkpoint.quantised_by:
        return f"{memory.told(checkpoint.stored_bytes)} of weights"
    return parameters_told(checkpoint.parameters)
