"""A model's weights into memory, every one of them accounted for: from a folder, or fetched from a hub first.

Weights that are missing, of another shape, or left over are refused by name; no code from the folder is run.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from mellm_demo.errors import MellmError, ReasonerError, SettingsError, WeightsError
from mellm_demo.reasoning.checkpoint import UNQUANTISED, Checkpoint, is_hub_id, named, read_json
from mellm_demo.reasoning.hub import Check, fetched
from mellm_demo.reasoning.precision import Plan
from mellm_demo.reasoning.resident import Tell, short

Attention = Literal["auto", "sdpa", "eager", "flash_attention_2", "flash_attention_3", "flex_attention"]
MOST_NAMED = 3  # weights that a refusal names


def libraries() -> Any:
    """torch, with transformers ready. Raises ReasonerError where they are not installed."""
    try:
        import torch
        import transformers
    except ImportError as error:
        raise ReasonerError(
            f"A local model needs the package “{error.name}”, which is not installed. Install what requirements.txt "
            "names."
        ) from None
    transformers.logging.set_verbosity_error()
    return torch


def folder_of(name: str, tell: Tell, check: Check | None = None) -> Path:
    """The folder of a model; one named on a hub is fetched first, and checked by ``check`` before its weights are.

    Raises ReasonerError where that fails.
    """
    return fetched(name, tell, check) if is_hub_id(name) else Path(name).expanduser()


def load(checkpoint: Checkpoint, chosen: Plan, attention: Attention) -> Any:
    """The model with its weights, all of them checked."""
    import torch
    from transformers import AutoModelForImageTextToText
    from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES as KNOWN

    name = checkpoint.name
    if checkpoint.model_type not in KNOWN:
        own = " It brings code of its own, which is not run." if checkpoint.config.get("auto_map") else ""
        raise WeightsError(
            f"“{name}” is of the kind “{checkpoint.model_type}”, which transformers does not know as an image-text "
            f"model.{own} Choose another model."
        )
    _check_attention(attention)
    options: dict[str, Any] = {}
    if attention != "auto":
        options["attn_implementation"] = attention
    if chosen.nf4:
        options["quantization_config"] = _nf4(getattr(torch, chosen.dtype))
    try:
        model, info = AutoModelForImageTextToText.from_pretrained(
            checkpoint.folder,
            dtype="auto" if checkpoint.quantised_by else getattr(torch, chosen.dtype),  # as it was saved
            device_map={"": chosen.device},
            local_files_only=True,
            trust_remote_code=False,
            ignore_mismatched_sizes=True,  # so that they are named below
            output_loading_info=True,
            **options,
        )
    except (MellmError, MemoryError):
        raise
    except Exception as error:
        if type(error).__name__ == "OutOfMemoryError":
            raise
        raise WeightsError(
            f"transformers cannot load “{name}” ({short(error)}). Check the folder, or choose another model."
        ) from None
    refuse_strays(f"The weights in “{name}” are not those of a {type(model).__name__}", info)
    return model.eval()


def _check_attention(attention: str) -> None:
    """Raises SettingsError for a flash attention that is not installed, of whatever version."""
    from transformers.utils import import_utils

    if attention.startswith("flash_attention"):
        version = attention.removeprefix("flash_attention_")
        available = getattr(import_utils, f"is_flash_attn_{version}_available", lambda: False)
        if not available():
            raise SettingsError(f"{attention} is not installed here. Set MELLM_LOCAL_ATTENTION to auto or sdpa.")


def _nf4(dtype: Any) -> Any:
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
        llm_int8_skip_modules=[rf"(?:.*\.)?{part}" for part in UNQUANTISED],  # patterns of whole names
    )


def refuse_strays(what: str, info: Any) -> None:
    """Raises WeightsError, with names, unless every weight found its place and every place its weight."""
    found = info if isinstance(info, Mapping) else vars(info)
    shapes = [
        f"{key} ({_shape(there)} there, {_shape(wanted)} wanted)"
        for key, there, wanted in sorted(found.get("mismatched_keys") or (), key=str)
    ]
    lists = (
        ("missing", sorted(found.get("missing_keys") or ())),
        ("of another shape", shapes),
        ("left over", sorted(found.get("unexpected_keys") or ())),
        ("not readable", [short(text) for text in found.get("error_msgs") or ()]),
    )
    told = [f"{label}: {_first(names)}" for label, names in lists if names]
    if told:
        raise WeightsError(f"{what}. {'; '.join(told)}. Fetch the model again, or name the folder that fits.")


def _shape(shape: Any) -> str:
    return "×".join(str(int(side)) for side in shape)


def _first(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def adapt(model: Any, folder: Path) -> None:
    """Put a LoRA adapter on a model, all its weights checked."""
    found = read_json(folder / "adapter_config.json", "an adapter")
    kind = found.get("peft_type")
    if kind != "LORA":
        raise WeightsError(f"The adapter “{named(folder)}” is of the kind “{kind}”; LoRA adapters can be used.")
    try:
        info = model.load_adapter(str(folder), ignore_mismatched_sizes=True)
    except ImportError:
        raise ReasonerError("An adapter needs the package “peft”. Install what requirements.txt names.") from None
    except (MellmError, MemoryError):
        raise
    except Exception as error:
        raise WeightsError(
            f"The adapter “{named(folder)}” does not go with the model ({short(error)}). Name the one that was trained "
            "on it."
        ) from None
    refuse_strays(f"The adapter “{named(folder)}” does not go with the model", info)
    model.eval()


@contextmanager
def progress(tell: Tell) -> Iterator[None]:
    """Tell of transformers' progress while it loads, and keep its bars out of the log."""
    from tqdm import tqdm
    from transformers.utils import logging

    def hook(factory: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        class Bar(tqdm):
            def update(self, n: float | None = 1) -> Any:
                done = super().update(n)
                if self.total:
                    tell("loading the weights", min(self.n / self.total, 1.0))
                return done

        return Bar(*args, **{**kwargs, "file": io.StringIO(), "mininterval": 0.0})

    before = logging.set_tqdm_hook(hook)
    try:
        yield
    finally:
        logging.set_tqdm_hook(before)
