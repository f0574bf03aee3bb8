"""A model that is named on a hub, fetched into huggingface_hub's cache: what does not fit is said before, not after."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from mellm_demo.errors import MellmError, ReasonerError
from mellm_demo.reasoning import memory
from mellm_demo.reasoning.checkpoint import Checkpoint, Tensor, read_json
from mellm_demo.reasoning.resident import Tell

SMALL = ("*.json", "*.jinja", "*.txt", "*.model", "*.tiktoken")  # configuration, words, template
# Weights as they are read from a folder; of each line the first kind that is there, since it is all that is read.
WEIGHTS = (("model*.safetensors", "pytorch_model*.bin"), ("adapter_model.safetensors", "adapter_model.bin"))
SPARE = 256 * 2**20  # bytes of the disk that are left alone

Check = Callable[[Checkpoint], object]  # raises MellmError where a model cannot be used


@dataclass(frozen=True)
class _Listing:
    """What a hub holds of a model, as far as it is used: files and their bytes."""

    name: str
    commit: str
    files: dict[str, int]

    @property
    def small(self) -> list[str]:
        return [file for file in self.files if _like(file, SMALL)]

    @property
    def weights(self) -> list[str]:
        return [file for file in self.files if not _like(file, SMALL)]

    def missing(self) -> int:
        """Bytes that are not here yet."""
        from huggingface_hub import try_to_load_from_cache

        return sum(
            size
            for file, size in self.files.items()
            if not isinstance(try_to_load_from_cache(self.name, file, revision=self.commit), str)
        )


def fetched(name: str, tell: Tell, check: Check | None) -> Path:
    """The folder of a model, what is missing of it fetched; ``check`` is asked before its weights are.

    Raises ReasonerError, with a sentence, where it cannot be fetched or the disk is too small; what ``check`` raises.
    """
    tell(f"fetching {name}", None)
    try:
        listing = _listing(name)
        if listing is None:  # the model may be here all the same
            return _download(name, [*SMALL, *(kind for kinds in WEIGHTS for kind in kinds)], 0, tell)
        missing = listing.missing()
        _check_disk(name, missing)
        if missing and check is not None:
            _check_before(listing, check, tell)
        return _download(name, [*listing.small, *listing.weights], missing, tell)
    except MellmError:
        raise
    except Exception as error:
        raise ReasonerError(
            f"“{name}” is no folder here, and cannot be fetched from the hub either ({type(error).__name__}). Check "
            "the name and the network, or name a folder."
        ) from None


def _listing(name: str) -> _Listing | None:
    """As the hub tells, or as it did when the model was fetched; None where neither is known."""
    from huggingface_hub import HfApi, get_cached_repo_tree
    from huggingface_hub.errors import CachedRepoTreeNotFoundError

    commit = "main"
    try:
        found = HfApi().model_info(name, files_metadata=True)
    except Exception:  # no network, offline by choice, no such model: said where fetching fails as well
        try:
            told = [(one.path, one.size) for one in get_cached_repo_tree(name)]
        except CachedRepoTreeNotFoundError:
            return None
    else:
        told = [(one.rfilename, one.size or 0) for one in found.siblings or ()]
        commit = found.sha or commit
    sizes = {file: size for file, size in told if "/" not in file}
    wanted = [file for file in sizes if _like(file, SMALL)]
    for kinds in WEIGHTS:
        wanted += next((here for kind in kinds if (here := [file for file in sizes if fnmatch(file, kind)])), [])
    return _Listing(name, commit, {file: sizes[file] for file in wanted})


def _like(file: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch(file, pattern) for pattern in patterns)


def _check_disk(name: str, missing: int) -> None:
    from huggingface_hub import constants

    cache = Path(constants.HF_HUB_CACHE).expanduser().absolute()
    place = next(folder for folder in (cache, *cache.parents) if folder.is_dir())
    free = max(shutil.disk_usage(place).free - SPARE, 0)
    if missing > free:
        raise ReasonerError(
            f"“{name}” takes {memory.told(missing)} of the disk, but {memory.told(free)} are free where it would be "
            f"kept ({cache}). Free some, or set HF_HOME to a folder on a larger disk."
        )


def _check_before(listing: _Listing, check: Check, tell: Tell) -> None:
    """Have the model checked by its configuration and the headers of its weights, which are small."""
    folder = _download(listing.name, listing.small, 0, tell)
    config = read_json(folder / "config.json", "a model as transformers saves it")
    try:
        tensors = _tensors(listing)
    except Exception:  # headers that cannot be read from afar are read when the files are here
        return
    other = sum(listing.files[file] for file in listing.weights) if not tensors else 0
    check(Checkpoint(folder, config, tensors, other))


def _tensors(listing: _Listing) -> dict[str, Tensor]:
    from huggingface_hub import HfApi

    tensors: dict[str, Tensor] = {}
    for file in listing.weights:
        if file.endswith(".safetensors"):
            header = HfApi().parse_safetensors_file_metadata(listing.name, file, revision=listing.commit)
            tensors |= {key: Tensor(tuple(one.shape), one.dtype) for key, one in header.tensors.items()}
    return tensors


def _download(name: str, files: Sequence[str], size: int, tell: Tell) -> Path:
    """Fetch these into the cache, telling how far it is of ``size`` bytes; bars are kept out of the log."""
    import huggingface_hub
    from tqdm import tqdm

    class Bar(tqdm):
        def __init__(self, *args: Any, **options: Any) -> None:
            self.bytes = options.get("unit") == "B"  # others count files
            super().__init__(*args, **{**options, "file": io.StringIO(), "mininterval": 0.0})

        def update(self, n: float | None = 1) -> Any:
            done = super().update(n)
            if self.bytes and size and self.n:
                tell(f"fetching {name}", min(self.n / size, 1.0))
            return done

    return Path(huggingface_hub.snapshot_download(name, allow_patterns=list(files), tqdm_class=Bar))
