"""An Engine: a GGUF model in llama.cpp's hands.

llama.cpp's own server runs in a process of its own (``process``) and tells each token and each piece of the prompt:
there Stop ends it. Only an image is encoded in one step: that ends with the process, and the model is loaded anew.
Its chat template is the file's. It also listens on loopback: there it answers only to a key that is made up at each
start, and it is asked for nothing but how many tokens a text or an image has.
"""

from __future__ import annotations

import base64
import contextlib
import importlib.util
import io
import secrets
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mellm_demo import motion_map
from mellm_demo.errors import MellmError, ReasonerError, WeightsError
from mellm_demo.reasoning.answering import Emit, Manner, Stopped
from mellm_demo.reasoning.llamacpp.files import Files, GgufOptions, check_digests
from mellm_demo.reasoning.llamacpp.process import NotLoaded, Process, Refused
from mellm_demo.reasoning.llamacpp.threads import free_threads
from mellm_demo.reasoning.prompts import Message, estimate_tokens, map_png
from mellm_demo.reasoning.protocol import CutOff, Loading, Piece, Thought
from mellm_demo.reasoning.resident import Resident, Tell, short
from mellm_demo.wording import Language

LARGE = 1_000_000_000  # parameters from which a piece of the prompt has to be smaller for Stop to be noticed in time
PIECE_TOKENS, LARGE_PIECE_TOKENS = 64, 8  # of the prompt, read at once; 16 took 3 B on two cores 0.57 s
WHOLE_IMAGE_TOKENS = 512  # an image that has to be read in one piece has up to as many
COUNTING_S = 30.0  # for what takes some hundredths of a second on an idle machine
NEVER = -100.0  # a bias that leaves a token no chance
AHEAD_BYTES = 16 * 2**20  # read at once
MAP_PX = 448  # side of the image by which its tokens are counted, as large as the motion map is made


def gguf_model(options: GgufOptions, manner: Manner, language: Language = "en") -> Resident:
    """A Reasoner that will load these files when it is first needed.

    Raises WeightsError or SettingsError where a file is missing or is not what it should be.
    """
    files = Files(options)
    return Resident(lambda tell: LlamaCpp(files, options, tell), files.card(options, None), manner, language)


def load_now(options: GgufOptions, tell: Tell = lambda what, share: None) -> LlamaCpp:
    """The model, loaded now and for one thread: to measure it without a page. Raises as ``gguf_model`` and LlamaCpp."""
    return LlamaCpp(Files(options), options, tell)


def read_ahead(paths: Sequence[Path], tell: Tell) -> None:
    """Have the system hold the files in memory, as far as it can, and tell how far that is.

    llama.cpp does not tell how far it is, and of a model of gigabytes the disk's share is the most of it. What cannot
    be read llama.cpp tells.
    """
    total, done, block = max(sum(path.stat().st_size for path in paths), 1), 0, bytearray(AHEAD_BYTES)
    for path in paths:
        with contextlib.suppress(OSError), path.open("rb", buffering=0) as file:
            while count := file.readinto(block):
                done += count
                tell("reading the model's files", done / total)


class LlamaCpp:
    """An Engine: the model in llama.cpp's hands.

    Raises ReasonerError or WeightsError, with a sentence, where it cannot be loaded.
    """

    def __init__(self, files: Files, options: GgufOptions, tell: Tell) -> None:
        if options.digests:
            tell("checking the model's files", None)
            check_digests(options.digests)
        files.check_memory()
        if not options.digests:  # then they have been read
            read_ahead(files.paths, tell)
        self._side = files.side
        self.context, self.sees = files.context, files.projector is not None
        tell("loading the model", None)
        self._key = secrets.token_hex(16)
        threads = free_threads(options.threads)
        self._process = _started(files, self.context, threads, self._key)
        self._image_tokens = 0
        self._counted: dict[str, int] = {}
        self.card = files.card(options, f"cpu, {threads} thread{'s' if threads != 1 else ''}")
        if self.sees:
            try:
                self._image_tokens = self._count_image()
            except BaseException:
                self._process.close()
                raise

    @property
    def lost(self) -> bool:
        return self._process.lost

    def interrupt(self) -> None:
        self._process.close()

    def close(self) -> None:
        self._process.close()

    # ------------------------------------------------------------------------------------------ counting

    def count(self, text: str) -> int:
        """Tokens of a text by the file's own tokenizer."""
        known = self._counted.get(text)
        if known is None:
            known = self._tokens_of(text)
            if len(self._counted) > 64:  # a visitor's words are not kept
                self._counted.clear()
            self._counted[text] = known
        return known

    def _tokens_of(self, text: str) -> int:
        answer = self._asked("/tokenize", {"content": text}, 5.0)
        tokens = answer.get("tokens")
        return len(tokens) if isinstance(tokens, list) else estimate_tokens(text)

    def _asked(self, path: str, body: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        """What the server answers to one question on loopback; nothing where it does not, or not in time."""
        if self.lost:  # its port may be somebody else's by now
            return {}
        import httpx

        try:
            with httpx.Client(trust_env=False, timeout=timeout_s) as client:
                url = f"{self._process.address}{path}"
                answer = client.post(url, json=body, headers={"Authorization": f"Bearer {self._key}"}).json()
        except (httpx.HTTPError, ValueError):
            return {}
        return answer if isinstance(answer, dict) else {}

    def image_tokens(self) -> int:
        """Tokens of an image as large as the model is shown it, counted when the model was loaded."""
        return self._image_tokens

    def _count_image(self) -> int:
        """Tokens that an image takes, by the difference that one makes. The image is cut up for it but not encoded:
        that takes a large model on a CPU longer than all else of its loading."""
        side = self._side or MAP_PX
        png = map_png(np.full((side, side, 3), 128, np.uint8))
        counts = []
        for image in (None, png):
            body = {"messages": [_as_openai(Message("user", "?", image))], "max_tokens": 1, "stream": False}
            count = self._asked("/v1/chat/completions/input_tokens", body, COUNTING_S).get("input_tokens")
            counts.append(count if isinstance(count, int) else self._read(body))
        return max(counts[1] - counts[0], 1)

    def _read(self, body: dict[str, Any]) -> int:
        """Tokens of a request, by having it read. Raises WeightsError where model and projector do not fit."""
        try:
            answer = self._process.ask(body, lambda event: False, lambda: False)
            return int((answer or {})["usage"]["prompt_tokens"])
        except (Refused, KeyError, TypeError) as error:
            raise WeightsError(
                f"The projector does not go with the model ({short(error)}). Name the “mmproj” file that belongs "
                "to it, or none."
            ) from None

    # ------------------------------------------------------------------------------------------ writing

    def generate(self, messages: Sequence[Message], manner: Manner, emit: Emit, stopped: Stopped) -> None:
        """Write a reply; see answering.Engine. Stop is noticed at each token and at each piece of the prompt.

        What a trailing assistant's message says is in llama.cpp's cache if it has just written it: going on takes a
        token's time.
        """
        if not manner.not_so:
            self._write(messages, manner, emit, stopped)
            return
        begun: list[str] = []  # the first token by itself, since llama.cpp keeps to a bias up to the end

        def begin(piece: Piece) -> None:
            if isinstance(piece, str):
                begun.append(piece)
            if not isinstance(piece, CutOff):
                emit(piece)

        self._write(messages, replace(manner, max_tokens=1), begin, stopped, manner.not_so)
        if not begun or manner.max_tokens < 2 or stopped():
            return
        last = messages[-1]
        before, own = (messages[:-1], last.text) if last.role == "assistant" else (messages, "")
        going_on = (*before, Message("assistant", own + "".join(begun)))
        self._write(going_on, replace(manner, max_tokens=manner.max_tokens - 1), emit, stopped)

    def _against(self, beginnings: Sequence[str]) -> dict[str, Any]:
        """llama.cpp's parameters against the first tokens of these texts, in upper and in lower case."""
        blanks = [(text[: len(text) - len(text.lstrip())], text.lstrip()) for text in beginnings if text.strip()]
        said = {blank + change(text) for blank, text in blanks for change in (str, str.capitalize, str.lower)}
        firsts = (self._asked("/tokenize", {"content": text}, 5.0).get("tokens") for text in sorted(said))
        bias = {str(tokens[0]): NEVER for tokens in firsts if isinstance(tokens, list) and tokens}
        return {"logit_bias": bias, "ignore_eos": any(not text.strip() for text in beginnings)}

    def _write(
        self,
        messages: Sequence[Message],
        manner: Manner,
        emit: Emit,
        stopped: Stopped,
        not_so: Sequence[str] = (),
    ) -> None:
        failed: list[MellmError] = []

        def heard(event: dict[str, Any]) -> bool:
            try:
                self._told(event, emit)
            except MellmError as error:
                failed.append(error)
                return True
            return False

        body: dict[str, Any] = {
            "messages": [_as_openai(message, self._side) for message in messages],
            "stream": True,
            "return_progress": True,
            "max_tokens": manner.max_tokens,
            "temperature": manner.temperature,
        }
        if manner.seed is not None:
            body["seed"] = manner.seed
        if not_so:
            body |= self._against(not_so)
        if messages and messages[-1].role == "assistant":  # llama.cpp goes on from a text, but not from a thought
            body["chat_template_kwargs"] = {"enable_thinking": False}
        try:
            self._process.ask(body, heard, stopped)
        except Refused as error:
            raise ReasonerError(f"The model cannot take this ({short(error)}). Ask again, or differently.") from None
        if failed:
            raise failed[0]

    def _told(self, event: dict[str, Any], emit: Emit) -> None:
        """One event of llama.cpp as pieces."""
        if error := event.get("error"):
            raise self._refused(error if isinstance(error, dict) else {})
        if progress := event.get("prompt_progress"):
            total = int(progress.get("total") or 0)
            if total:
                emit(Loading("reading the prompt", int(progress.get("processed") or 0) / total))
        for choice in event.get("choices") or ():
            delta = choice.get("delta") or {}
            if thought := delta.get("reasoning_content"):
                emit(Thought(thought))
            if text := delta.get("content"):
                emit(text)
            if choice.get("finish_reason") == "length":
                emit(CutOff("length"))

    def _refused(self, error: dict[str, Any]) -> ReasonerError:
        if error.get("type") == "exceed_context_size_error":
            return ReasonerError(
                f"Measurements and conversation take {error.get('n_prompt_tokens', 'more')} tokens, but the model is "
                f"given {self.context}. Ask a shorter question, or set a longer context."
            )
        return ReasonerError(f"The model failed ({short(error.get('message', 'no reason given'))}). Ask again.")


def _started(files: Files, context: int, threads: int, key: str) -> Process:
    """llama.cpp with the model loaded."""
    if importlib.util.find_spec("xllamacpp") is None:
        raise ReasonerError(
            "A GGUF model needs the package “xllamacpp”, which is not installed. Install what requirements.txt names."
        )
    piece = LARGE_PIECE_TOKENS if files.model.parameters >= LARGE else PIECE_TOKENS
    piece = WHOLE_IMAGE_TOKENS if files.whole_image else piece
    name, projector = files.model.path.name, files.projector
    parameters = {
        "model.path": str(files.model.path),
        **({"mmproj.path": str(projector.path)} if projector is not None else {}),
        **({"lora_adapters": [str(files.adapter.path)]} if files.adapter is not None else {}),
        "n_ctx": context,
        "n_parallel": 1,
        "n_batch": piece,
        "n_ubatch": piece,
        "cpuparams.n_threads": threads,
        "cpuparams_batch.n_threads": threads,
        "fit_params": False,  # what does not fit is said, not made smaller
        "cache_ram_mib": 0,
        "n_ctx_checkpoints": 0,  # no visitor's prompt is kept for later
        "offline": True,
        "warmup": False,
        "verbosity": -1,
        "hostnames": ["127.0.0.1"],
        "port": 0,
        "api_keys": [key],
        **dict.fromkeys(("endpoint_slots", "endpoint_metrics", "endpoint_props", "ui"), False),
    }
    try:
        return Process(parameters)
    except NotLoaded as error:
        pair = f" with the projector “{projector.path.name}”" if projector else ""
        raise WeightsError(
            f"llama.cpp cannot load “{name}”{pair} ({short(error)}). It may be of a kind that this version does not "
            f"know{', or the two do not go together' if projector else ''}; choose another file."
        ) from None


def _as_openai(message: Message, side: int | None = None) -> dict[str, Any]:
    """``side``: of the only image size that the model takes, px."""
    if message.image_png is None:
        return {"role": message.role, "content": message.text}
    png = message.image_png if side is None else _resized(message.image_png, side)
    url = f"data:image/png;base64,{base64.b64encode(png).decode()}"
    image = {"type": "image_url", "image_url": {"url": url}}
    return {"role": message.role, "content": [image, {"type": "text", "text": message.text}]}


def _resized(png: bytes, side: int) -> bytes:
    from PIL import Image as Pictures

    picture = np.asarray(Pictures.open(io.BytesIO(png)).convert("RGB"))
    return png if picture.shape[:2] == (side, side) else map_png(motion_map.at_side(picture, side))
