"""A model's own processor: text and images → what the model takes.

Some processors bring one for videos too, which needs torchvision. Only images are shown here, so without torchvision
the processor is made without that part.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from mellm_demo.errors import WeightsError
from mellm_demo.reasoning.checkpoint import Checkpoint
from mellm_demo.reasoning.resident import short

if TYPE_CHECKING:
    from pathlib import Path

OPTIONS: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}


def load_processor(folder: Path, checkpoint: Checkpoint) -> Any:
    """The processor that was saved beside a model.

    Raises WeightsError, with a sentence, where it is missing or cannot be made.
    """
    from transformers import AutoProcessor

    try:
        if find_spec("torchvision") is not None:
            return AutoProcessor.from_pretrained(folder, **OPTIONS)
        kind = _kind(checkpoint)
        return _still(kind).from_pretrained(folder, **OPTIONS) if kind else AutoProcessor.from_pretrained(
            folder, **OPTIONS
        )  # fmt: skip
    except Exception as error:
        raise WeightsError(
            f"The processor of “{folder.name}” cannot be loaded ({short(error)}). Fetch all files of the model again."
        ) from None


def _kind(checkpoint: Checkpoint) -> type | None:
    """The processor's class, if it is one with a part for videos."""
    import inspect

    import transformers
    from transformers.models.auto.processing_auto import PROCESSOR_MAPPING_NAMES

    name = PROCESSOR_MAPPING_NAMES.get(checkpoint.model_type)
    kind = getattr(transformers, name, None) if name else None
    return kind if kind is not None and "video_processor" in inspect.signature(kind.__init__).parameters else None


def _still(kind: Any) -> Any:
    """The same class, for images only: transformers makes the parts that stand in the signature."""

    def __init__(
        self: Any, image_processor: Any = None, tokenizer: Any = None, chat_template: Any = None, **more: Any
    ) -> None:
        kind.__init__(self, image_processor, tokenizer, video_processor=None, chat_template=chat_template, **more)

    return type(kind.__name__, (kind,), {"__init__": __init__, "__module__": kind.__module__})
