"""A GGUF model on disk: which files belong to it, whether they are what they should be, and what they need."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mellm_demo.errors import ReasonerError, WeightsError
from mellm_demo.reasoning import gguf, memory
from mellm_demo.reasoning.resident import NOTICE
from mellm_demo.records import ReasonerCard

DEFAULT_CONTEXT = 4096
WHOLE_IMAGE = frozenset({"gemma3", "gemma3nv"})  # projectors whose image has to be read in one piece
WORKING_BYTES = 192 * 2**20  # buffers beside weights and cache, as measured for models of 0.1 to 3 billion
FIXED_SIZE = "mlp"  # the projector of LLaVA 1.5: one image size, to which llama.cpp would resize in its own way
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
    adapter: Path | None = None  # LoRA over the model's weights
    digests: tuple[tuple[Path, str], ...] = ()  # files and the SHA-256 that they must have; checked when it is loaded


class Files:
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
        self.adapter = gguf.read(options.adapter) if options.adapter else None
        if self.adapter is not None:
            _check_adapter(self.adapter, self.model)
        beside = [one.path for one in (self.projector, self.adapter) if one is not None]
        self.paths = [*parts, *beside]
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
        beside = sum(one.file_bytes for one in (self.projector, self.adapter) if one is not None)
        return self.bytes + beside + self.model.cache_bytes(self.context) + WORKING_BYTES

    def check_memory(self) -> None:
        """Raises ReasonerError, with what would fit, where the model would not."""
        free = memory.available()
        if free is None:
            return
        room = free - memory.reserve()
        if self.needed_bytes <= room:
            return
        left = room - (self.needed_bytes - self.bytes)
        fits = f"a file of up to {memory.told(left)} would fit" if left > 0 else "no model would fit"
        raise ReasonerError(
            f"{self.model.name} needs {memory.told(self.needed_bytes)} of memory with a context of {self.context} "
            f"tokens, but {memory.told(max(room, 0))} are free. At this context {fits}."
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


def _check_adapter(adapter: gguf.Header, model: gguf.Header) -> None:
    """Raises WeightsError for a file that is no adapter, or one of another kind of model."""
    if adapter.values.get("adapter.type") != "lora":
        raise WeightsError(f"“{adapter.path.name}” is no LoRA adapter. Name the one that belongs to the model.")
    if adapter.architecture != model.architecture:
        raise WeightsError(
            f"The adapter “{adapter.path.name}” was learned on “{adapter.architecture}”, but the model is of "
            f"“{model.architecture}”. Name the one that belongs to the model."
        )


def find_projector(model: Path) -> Path | None:
    """The projector that lies beside a model: the only “mmproj…gguf” there, or the one that shares its name."""
    found = sorted(path for path in model.parent.glob("*.gguf") if "mmproj" in path.name.lower())
    if len(found) == 1:
        return found[0]
    stem = model.stem.lower().split("-q")[0].split(".q")[0]
    return next((path for path in found if stem in path.name.lower()), None)


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
