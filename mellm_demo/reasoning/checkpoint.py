"""A folder of weights as transformers saves them: what model it says it is, and how many weights of which size.

Reads JSON and the headers of safetensors files only; imports neither torch nor transformers. Nothing is fetched here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

from mellm_demo.errors import WeightsError

MOST_HEADER = 256 * 2**20  # bytes of a safetensors header
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
BYTES = {
    "F64": 8, "I64": 8, "U64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2, "I16": 2, "U16": 2, "I8": 1,
    "U8": 1, "BOOL": 1, "F8_E4M3": 1, "F8_E5M2": 1,
}  # fmt: skip
# What stays as it is when the rest is quantised: whatever sees, what joins it to the language model, and the head.
UNQUANTISED = (
    "visual", "vision_model", "vision_tower", "vision_encoder", "vision_embed_tokens", "image_encoder", "connector",
    "multi_modal_projector", "mm_projector", "perceiver", "merger", "lm_head",
)  # fmt: skip
_LINEAR = re.compile(r"\.(?:\w*proj|\w*(?:fc|dense|query|key|value|qkv|w|wi|wo)\d?|gate|up|down|out)\.weight$")


@dataclass(frozen=True)
class Tensor:
    """One tensor of a safetensors file."""

    shape: tuple[int, ...]
    kind: str  # “BF16”

    @property
    def elements(self) -> int:
        return prod(self.shape)

    @property
    def bytes(self) -> int:
        return self.elements * BYTES.get(self.kind, 2)


@dataclass(frozen=True)
class Checkpoint:
    """What a folder holds."""

    folder: Path
    config: Mapping[str, Any]
    tensors: Mapping[str, Tensor] = field(repr=False)
    other_bytes: int = 0  # of weights in other formats, whose tensors are not known

    @property
    def name(self) -> str:
        """As the model is shown and named in sentences."""
        return named(self.folder)

    @property
    def model_type(self) -> str:
        """“qwen2_5_vl”."""
        return str(self.config.get("model_type", ""))

    @property
    def quantised_by(self) -> str | None:
        """The method by which the weights are quantised already, or None."""
        method = (self.config.get("quantization_config") or {}).get("quant_method")
        return str(method) if method else None

    @property
    def parameters(self) -> int:
        """Numbers in all tensors. Of quantised weights, which are packed, this is less than the model's."""
        return sum(tensor.elements for tensor in self.tensors.values()) or self.other_bytes // self._other_width

    @property
    def stored_bytes(self) -> int:
        return sum(tensor.bytes for tensor in self.tensors.values()) + self.other_bytes

    @property
    def _other_width(self) -> int:
        """Bytes of a number in weights of other formats, by what the configuration says of them."""
        told = str(self.config.get("dtype") or self.config.get("torch_dtype") or "")
        return 4 if told.endswith("float32") else 2

    @property
    def quantisable(self) -> int:
        """Elements of the linear layers that are quantised where the model is."""
        if not self.tensors:
            return min(self._by_configuration(), self.parameters)
        return sum(
            tensor.elements
            for name, tensor in self.tensors.items()
            if len(tensor.shape) == 2 and _LINEAR.search(name) and not unquantised(name)
        )

    def _by_configuration(self) -> int:
        """Elements of the language model's linear layers by its configuration, where no shapes were read."""
        width, heads = self.text("hidden_size"), self.text("num_attention_heads", 1) or 1
        inner = self.text("head_dim") or width // heads
        attention = 2 * width * inner * (heads + self.text("num_key_value_heads", heads))
        return self.text("num_hidden_layers") * (attention + 3 * width * self.text("intermediate_size"))

    def text(self, key: str, default: int = 0) -> int:
        """A number of the language model's configuration."""
        for part in (self.config.get("text_config"), self.config.get("llm_config"), self.config):
            if isinstance(part, Mapping) and isinstance(part.get(key), int):
                return int(part[key])
        return default

    def cache_bytes(self, context: int, width: int) -> int:
        """Keys and values of ``context`` tokens, ``width`` bytes each."""
        heads = self.text("num_attention_heads", 1) or 1
        size = self.text("head_dim") or self.text("hidden_size") // heads
        return 2 * self.text("num_hidden_layers") * self.text("num_key_value_heads", heads) * size * context * width


def unquantised(name: str) -> bool:
    """Whether a module or weight belongs to what is left as it is."""
    return any(part in UNQUANTISED for part in name.split("."))


def is_hub_id(name: str) -> bool:
    """Whether this names a model on a hub and no folder: “owner/name”, and no such folder is here."""
    return bool(HUB_ID.fullmatch(name)) and not Path(name).expanduser().exists()


def named(folder: Path) -> str:
    """The name of a model: its folder's, or “owner/name” in the hub's cache, where the folder is called by a hash."""
    place = folder.resolve()
    stored = place.parents[1].name if len(place.parents) > 1 and place.parent.name == "snapshots" else ""
    return stored.removeprefix("models--").replace("--", "/", 1) if stored.startswith("models--") else place.name


def inspect(folder: Path) -> Checkpoint:
    """What the folder holds.

    Raises WeightsError, with what is missing or wrong.
    """
    if not folder.is_dir():
        raise WeightsError(f"There is no folder “{folder}”. Name the folder that holds the model's config.json.")
    config = read_json(folder / "config.json", "a model as transformers saves it")
    if not isinstance(config.get("model_type"), str):
        raise WeightsError(f"The config.json in “{named(folder)}” names no model type. Fetch the model again.")
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        listed = read_json(index, "an index of weights").get("weight_map")
        names = sorted(set(listed.values())) if isinstance(listed, Mapping) else []
        files = [folder / str(name) for name in names]
        missing = [path.name for path in files if not path.is_file()]
        if missing:
            raise WeightsError(
                f"{len(missing)} of the {len(files)} files of weights in “{named(folder)}” are missing, “{missing[0]}” "
                "for one. Fetch them."
            )
    else:
        files = sorted(folder.glob("model*.safetensors"))
    tensors: dict[str, Tensor] = {}
    for path in files:
        tensors.update(_header(path))
    if tensors:
        return Checkpoint(folder, config, tensors)
    other = sorted(folder.glob("pytorch_model*.bin"))
    if not other:
        raise WeightsError(
            f"There are no weights in “{named(folder)}”. It needs model.safetensors beside its config.json."
        )
    return Checkpoint(folder, config, {}, sum(path.stat().st_size for path in other))


def adapter_bytes(folder: Path) -> int:
    """What an adapter's weights take: they are computed in 32 bit. 0 where there are none."""
    path = folder / "adapter_model.safetensors"
    if path.is_file():
        return 4 * sum(tensor.elements for tensor in _header(path).values())
    other = folder / "adapter_model.bin"
    return other.stat().st_size if other.is_file() else 0


def read_json(path: Path, what: str) -> dict[str, Any]:
    """An object from a file. Raises WeightsError where it is missing, or is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise WeightsError(
            f"“{named(path.parent)}” holds no {path.name}, so it is not {what}. Name another folder."
        ) from None
    except (ValueError, RecursionError):
        raise WeightsError(f"The file {path.name} in “{named(path.parent)}” is damaged. Fetch it again.") from None
    if not isinstance(found, dict):
        raise WeightsError(f"The file {path.name} in “{named(path.parent)}” is damaged. Fetch it again.")
    return found


def _header(path: Path) -> dict[str, Tensor]:
    """Tensors of a safetensors file. Raises WeightsError where it is cut short or no such file."""
    damaged = WeightsError(f"The file of weights “{path.name}” is damaged or was cut short. Fetch it again.")
    try:
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            if size > MOST_HEADER:
                raise damaged
            entries = json.loads(file.read(size))
        tensors = {
            name: Tensor(tuple(int(side) for side in one["shape"]), str(one["dtype"]))
            for name, one in entries.items()
            if name != "__metadata__"
        }
        end = max((int(one["data_offsets"][1]) for name, one in entries.items() if name != "__metadata__"), default=0)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        raise damaged from None
    if path.stat().st_size < 8 + size + end:
        raise damaged
    return tensors
