"""A 4-bit GGUF model in this process, by llama.cpp (``xllamacpp``): the practical engine without a graphics card.

The binding runs llama.cpp's own server inside the process and calls back at each token and each piece of the prompt;
that is how Stop ends both. Only an image is encoded in one step that nothing can interrupt: Stop ends the answer then
too, but the model is free after it. Its chat template is the file's. It also listens on loopback: there it answers only
to a key that is made up at each start, and it is asked for nothing but how many tokens a text or an image has.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import os
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mellm_demo import motion_map
from mellm_demo.errors import MellmError, ReasonerError, WeightsError
from mellm_demo.reasoning import gguf, memory
from mellm_demo.reasoning.prompts import Message, estimate_tokens, map_png
from mellm_demo.reasoning.protocol import CutOff, Loading, Thought
from mellm_demo.reasoning.resident import NOTICE, Emit, Manner, Resident, Stopped, Tell, short
from mellm_demo.records import ReasonerCard
from mellm_demo.wording import Language

DEFAULT_CONTEXT = 4096
LARGE = 1_000_000_000  # parameters from which a piece of the prompt has to be smaller for Stop to be noticed in time
PIECE_TOKENS, LARGE_PIECE_TOKENS = 64, 12  # of the prompt, read at once; 16 took 3 B on two cores 0.57 s
WHOLE_IMAGE = frozenset({"gemma3", "gemma3nv"})  # projectors whose image has to be read in one piece …
WHOLE_IMAGE_TOKENS = 512  # … of up to as many tokens
WORKING_BYTES = 192 * 2**20  # buffers beside weights and cache, as measured for models of 0.1 to 3 billion
COUNTING_S = 30.0  # for what takes some hundredths of a second on an idle machine
AHEAD_BYTES = 16 * 2**20  # read at once
MAP_PX = 448  # side of the image by which its tokens are counted, as large as the motion map is made
FIXED_SIZE = "mlp"  # the projector of LLaVA 1.5: one image size, to which llama.cpp would resize in its own way
MOST_THREADS = 16  # more do not help: memory sets the pace
MOST_OWN_THREADS = 4  # of a model of some 100 million parameters: more of them wait for each other
CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")  # cgroup version 2: “200000 100000” are two cores' worth of time
SPLIT = re.compile(r"-(\d{5})-of-(\d{5})\.gguf$")


@dataclass(frozen=True)
class GgufOptions:
    """Which files, and how they are run."""

    model: Path
    projector: Path | None = None  # the “mmproj” that makes tokens of an image; looked for beside the model
    context: int = DEFAULT_CONTEXT  # tokens of prompt and answer together
    threads: int = 0  # 0: by what the machine has free
    why: str = "The settings name this file."
    name: str = ""  # "": as the file calls itself
    notice: str = NOTICE
    digests: tuple[tuple[Path, str], ...] = ()  # files and the SHA-256 that they must have; checked when it is loaded


def gguf_model(options: GgufOptions, manner: Manner, language: Language = "en") -> Resident:
    """A Reasoner that will load these files when it is first needed.

    Raises WeightsError or SettingsError where a file is missing or is not what it should be.
    """
    files = _Files(options)
    return Resident(lambda tell: LlamaCpp(files, options, tell), files.card(options, None), manner, language)


def engine(options: GgufOptions, tell: Tell = lambda what, share: None) -> LlamaCpp:
    """The model, loaded now and for one thread: to measure it without a page. Raises as ``gguf_model`` and LlamaCpp."""
    return LlamaCpp(_Files(options), options, tell)


def find_projector(model: Path) -> Path | None:
    """The projector that lies beside a model: the only “mmproj…gguf” there, or the one that shares its name."""
    found = sorted(path for path in model.parent.glob("*.gguf") if "mmproj" in path.name.lower())
    if len(found) == 1:
        return found[0]
    stem = model.stem.lower().split("-q")[0].split(".q")[0]
    return next((path for path in found if stem in path.name.lower()), None)


class _Files:
    """Model and projector, their headers read and checked."""

    def __init__(self, options: GgufOptions) -> None:
        self.model = gguf.read(options.model)
        if self.model.architecture == "clip":
            raise WeightsError(
                f"“{options.model.name}” is a projector for images and not a model. Name the model's own .gguf file."
            )
        if not self.model.number("block_count") or not self.model.lengths.get("tokenizer.ggml.tokens"):
            raise WeightsError(f"“{options.model.name}” holds no language model. Name the model's own .gguf file.")
        parts = _parts(options.model)
        self.bytes = sum(path.stat().st_size for path in parts)
        path = options.projector or find_projector(options.model)
        self.projector = gguf.read(path) if path else None
        if self.projector is not None and self.projector.architecture != "clip":
            raise WeightsError(
                f"“{self.projector.path.name}” is no projector for images: it holds “{self.projector.architecture}”. "
                "Name the “mmproj” file that belongs to the model."
            )
        self.paths = [*parts, self.projector.path] if self.projector is not None else parts
        trained = self.model.number("context_length", options.context)
        self.context = min(options.context, trained) if trained else options.context

    @property
    def whole_image(self) -> bool:
        return self.projector is not None and self.projector.values.get("clip.projector_type") in WHOLE_IMAGE

    @property
    def side(self) -> int | None:
        """Width and height of the only image size that the projector takes, px; None: it takes others too."""
        values = self.projector.values if self.projector is not None else {}
        size = values.get("clip.vision.image_size")
        return size if values.get("clip.projector_type") == FIXED_SIZE and isinstance(size, int) else None

    @property
    def needed_bytes(self) -> int:
        projector = self.projector.file_bytes if self.projector else 0
        return self.bytes + projector + self.model.cache_bytes(self.context) + WORKING_BYTES

    def check_memory(self) -> None:
        """Raises ReasonerError, with what would fit, where the model would not."""
        free = memory.available()
        if free is None or self.needed_bytes + memory.RESERVE <= free:
            return
        left = free - memory.RESERVE - (self.needed_bytes - self.bytes)
        fits = f"a file of up to {memory.told(left)} would fit" if left > 0 else "no model would fit"
        raise ReasonerError(
            f"{self.model.name} needs {memory.told(self.needed_bytes)} of memory with a context of {self.context} "
            f"tokens, but {memory.told(max(free - memory.RESERVE, 0))} are free. At this context {fits}."
        )

    def card(self, options: GgufOptions, device: str | None) -> ReasonerCard:
        sees = "" if self.projector else " It does not see the image and goes by the measurements in words."
        return ReasonerCard(
            name=options.name or self.model.name,
            is_language_model=True,
            size=parameters_told(self.model.parameters),
            precision=f"{self.model.precision} by llama.cpp",
            device=device or "cpu",
            why=f"{options.why}{sees}",
            notice=options.notice,
        )


def parameters_told(count: int) -> str:
    """“135 M parameters”, “2.2 B parameters”."""
    return f"{count / 1e9:.1f} B parameters" if count >= 1e9 else f"{max(round(count / 1e6), 1)} M parameters"


def _parts(model: Path) -> list[Path]:
    """All files of a model that is split into several. Raises WeightsError for one that is missing."""
    split = SPLIT.search(model.name)
    if not split:
        return [model]
    count = int(split[2])
    parts = [model.with_name(f"{model.name[: split.start()]}-{n:05d}-of-{count:05d}.gguf") for n in range(1, count + 1)]
    missing = [part.name for part in parts if not part.is_file()]
    if missing:
        raise WeightsError(f"The model is split into {count} files and “{missing[0]}” is missing. Fetch it too.")
    return parts


def cores() -> int:
    """How many this process may use: those it is bound to, no more than a container's share of time amounts to."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = (int(word) for word in CPU_QUOTA.read_text(encoding="ascii").split())
    except (OSError, ValueError):  # no such file, or “max”
        return bound
    return max(1, min(bound, round(quota / max(period, 1))))


def free_threads(wanted: int = 0) -> int:
    """Threads to compute with: as asked for, else as many cores as others leave free.

    llama.cpp's threads wait for each other at every step, so one that has to share its core holds up all.
    """
    if wanted > 0:
        return wanted
    busy = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return max(1, min(MOST_THREADS, cores() - int(busy + 0.5)))


def own_threads() -> int:
    """Threads of a small model that speaks after an analysis: the load is that of the analysis, which is over then."""
    return min(MOST_OWN_THREADS, cores())


def check_digests(digests: Sequence[tuple[Path, str]]) -> None:
    """Raises WeightsError for the first file that is missing or is not the one that its SHA-256 names."""
    for path, digest in digests:
        try:
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise WeightsError(
                f"The model file “{path.name}” cannot be read ({error.strerror}). Fetch the weights again."
            ) from None
        if found != digest.lower():
            raise WeightsError(
                f"“{path.name}” is not the file that belongs here: its SHA-256 begins with {found[:12]} and should "
                f"with {digest[:12].lower()}. Fetch the weights again."
            )


def read_ahead(paths: Sequence[Path], tell: Tell) -> None:
    """Have the system hold the files in memory, as far as it can, and tell how far that is.

    llama.cpp's binding lets no other Python thread run while it loads, so the page stands still for so long: the disk's
    share of that, which is the most of it for a model of gigabytes, is spent here. What cannot be read llama.cpp tells.
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

    def __init__(self, files: _Files, options: GgufOptions, tell: Tell) -> None:
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
        self._server = _start(files, self.context, threads, self._key)
        self._image_tokens = 0
        self._counted: dict[str, int] = {}
        self.card = files.card(options, f"cpu, {threads} thread{'s' if threads != 1 else ''}")
        if self.sees:
            self._image_tokens = self._count_image()

    def close(self) -> None:
        self._server = None

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
        import httpx

        try:
            with httpx.Client(trust_env=False, timeout=timeout_s) as client:
                url = f"{self._server.listening_address}{path}"
                answer = client.post(url, json=body, headers={"Authorization": f"Bearer {self._key}"}).json()
        except (httpx.HTTPError, ValueError, AttributeError):
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
            return int(self._server.handle_chat_completions(body)["usage"]["prompt_tokens"])
        except (RuntimeError, KeyError, TypeError) as error:
            raise WeightsError(
                f"The projector does not go with the model ({short(error)}). Name the “mmproj” file that belongs "
                "to it, or none."
            ) from None

    # ------------------------------------------------------------------------------------------ writing

    def generate(self, messages: Sequence[Message], manner: Manner, emit: Emit, stopped: Stopped) -> None:
        """Write a reply; see resident.Engine. Stop is noticed at each token and at each piece of the prompt.

        What a trailing assistant's message says is in llama.cpp's cache if it has just written it: going on takes a
        token's time.
        """
        failed: list[MellmError] = []

        def heard(event: Any) -> bool:
            if stopped():
                return True
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
        if messages and messages[-1].role == "assistant":  # llama.cpp goes on from a text, but not from a thought
            body["chat_template_kwargs"] = {"enable_thinking": False}
        try:
            self._server.handle_chat_completions(body, heard)
        except RuntimeError as error:
            raise ReasonerError(f"The model cannot take this ({short(error)}). Ask again, or differently.") from None
        if failed:
            raise failed[0]

    def _told(self, event: Any, emit: Emit) -> None:
        """One event of llama.cpp as pieces."""
        if not isinstance(event, dict):
            return
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


def _start(files: _Files, context: int, threads: int, key: str) -> Any:
    """llama.cpp's server with the model loaded."""
    try:
        import xllamacpp
    except ImportError:
        raise ReasonerError(
            "A GGUF model needs the package “xllamacpp”, which is not installed. Install what requirements.txt names."
        ) from None
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(files.model.path)
    if files.projector is not None:
        parameters.mmproj.path = str(files.projector.path)
    piece = LARGE_PIECE_TOKENS if files.model.parameters >= LARGE else PIECE_TOKENS
    piece = WHOLE_IMAGE_TOKENS if files.whole_image else piece
    parameters.n_ctx, parameters.n_parallel = context, 1
    parameters.n_batch = parameters.n_ubatch = piece
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = threads
    parameters.fit_params = False  # what does not fit is said, not made smaller
    parameters.cache_ram_mib = 0  # no visitor's prompt is kept for later
    parameters.n_ctx_checkpoints = 0
    parameters.offline = True
    parameters.warmup = False
    parameters.verbosity = -1
    parameters.hostnames, parameters.port, parameters.api_keys = ["127.0.0.1"], 0, [key]
    parameters.endpoint_slots = parameters.endpoint_metrics = parameters.endpoint_props = parameters.ui = False
    try:
        return xllamacpp.Server(parameters)
    except MemoryError:
        raise
    except Exception as error:
        name, projector = files.model.path.name, files.projector
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
