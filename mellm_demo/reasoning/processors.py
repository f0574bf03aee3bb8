"""A model's own processor: text and images → what the model takes.

Some processors bring one for videos too, which needs torchvision. Only images are shown here, so without torchvision
a placeholder stands where that part would, and all else is made as the checkpoint says.
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
VIDEOS = "video_processor"


def load_processor(folder: Path, checkpoint: Checkpoint, max_pixels: int) -> Any:
    """The processor that was saved beside a model; it makes no image larger than ``max_pixels``, as far as it can.

    Raises WeightsError, with a sentence, where it is missing or cannot be made.
    """
    from transformers import AutoProcessor

    try:
        kind = _with_videos(checkpoint) if find_spec("torchvision") is None else None
        processor = (_still(kind) if kind else AutoProcessor).from_pretrained(folder, **OPTIONS)
    except Exception as error:
        raise WeightsError(
            f"The processor of “{checkpoint.name}” cannot be loaded ({short(error)}). Fetch all files of the model "
            "again."
        ) from None
    bound_tiles(getattr(processor, "image_processor", None), max_pixels)
    return processor


def _with_videos(checkpoint: Checkpoint) -> Any:
    """The processor's class, if it is one with a part for videos."""
    import transformers
    from transformers.models.auto.processing_auto import PROCESSOR_MAPPING_NAMES

    name = PROCESSOR_MAPPING_NAMES.get(checkpoint.model_type)
    kind = getattr(transformers, name, None) if name else None
    return kind if kind is not None and VIDEOS in kind.get_attributes() else None


class _NoVideos:
    """Stands where a part for videos would, and knows nothing: some processors ask it for its settings all the same."""

    model_input_names: tuple[str, ...] = ()

    def __getattr__(self, name: str) -> None:
        if name.startswith("__"):  # what Python itself asks for is not there
            raise AttributeError(name)


def _still(kind: Any) -> Any:
    """The same class, for images only: all that the checkpoint holds for it is passed on, but for the videos' part."""

    class Parts(kind):  # what is loaded from files
        @classmethod
        def get_attributes(cls) -> list[str]:
            return [name for name in super().get_attributes() if name != VIDEOS]

    class Still(kind):
        @classmethod
        def _get_arguments_from_pretrained(cls, *where: Any, **more: Any) -> list[Any]:
            parts: list[Any] = Parts._get_arguments_from_pretrained(*where, **more)
            parts.insert(cls.get_attributes().index(VIDEOS), _NoVideos())
            return parts

        def check_argument_for_proper_class(self, argument_name: str, argument: Any) -> Any:
            if isinstance(argument, _NoVideos):
                return _NoVideos
            return super().check_argument_for_proper_class(argument_name, argument)

        def to_dict(self) -> dict[str, Any]:  # transformers writes it to its log
            return {name: part for name, part in super().to_dict().items() if not isinstance(part, _NoVideos)}

    for made in (Parts, Still):
        made.__name__ = kind.__name__  # transformers goes by it here and there, and errors show it
    return Still


def bound_tiles(images: Any, max_pixels: int) -> None:
    """Idefics3 and its like enlarge every image and cut it into tiles: no more of them than ``max_pixels`` hold.

    One tile is the least that they take, so there they do not cut.
    """
    tile = _longest_edge(getattr(images, "max_image_size", None))
    edge = _longest_edge(getattr(images, "size", None))
    if not tile or not edge:
        return
    tiles = int(max_pixels**0.5) // tile
    if tiles <= 1:
        images.do_image_splitting = False
    images.size = {"longest_edge": min(edge, max(tiles, 1) * tile)}


def _longest_edge(size: Any) -> int | None:
    """Of a size as image processors keep it, px; None where it is none of that kind."""
    edge = size.get("longest_edge") if hasattr(size, "get") else None
    return edge if isinstance(edge, int) else None
