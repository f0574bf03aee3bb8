"""Where and how precisely a model is computed, with the reason in words; and whether it fits into memory.

Pure decisions over what was found out; imports nothing heavy. Sizes are bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from mellm_demo.errors import ReasonerError, SettingsError
from mellm_demo.reasoning import memory
from mellm_demo.reasoning.checkpoint import Checkpoint

Precision = Literal["auto", "nf4", "bfloat16", "float16", "float32"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
WIDTHS = {"bfloat16": 2, "float16": 2, "float32": 4}
NF4_BYTES = 0.5 + 1 / 64 + 4 / (64 * 256)  # a weight; scales in 8 bit for blocks of 64, themselves scaled (QLoRA)
WORKING = 600 * 2**20  # beside weights and cache: activations of prompt and image; more on a graphics card's context
AMPERE = (8, 0)  # the first compute capability with bfloat16
NF4_SLOWER = "NF4 is slower there"


@dataclass(frozen=True)
class Hardware:
    """What there is to compute with."""

    device: str  # “cpu”, “cuda:0”, “mps”
    free: int | None  # bytes
    name: str = ""  # of the card
    capability: tuple[int, int] = (0, 0)
    fastest: str = "bfloat16"  # on a CPU, of bfloat16 and float32
    faster_by: float = 1.0  # than the other of the two
    reserve: int = memory.RESERVE  # of a CPU's memory, not for the model

    @property
    def room(self) -> int | None:
        """What a model may take; None where that is not known."""
        return None if self.free is None else self.free - (self.reserve if self.device == "cpu" else 0)

    def holds(self, needed: int) -> bool:
        """Whether so much fits."""
        return self.room is None or needed <= self.room


@dataclass(frozen=True)
class Plan:
    """How to load a model."""

    device: str
    dtype: str  # of what is computed
    nf4: bool
    needed: int
    reason: str  # “bfloat16 on cpu: 1.4 times as fast as float32 here; …”

    @property
    def precision(self) -> str:
        """As the page shows it."""
        return f"4-bit NF4, {self.dtype}" if self.nf4 else self.dtype


def plan(checkpoint: Checkpoint, hardware: Hardware, wanted: Precision, context: int, beside: int = 0) -> Plan:
    """The plan for a model; ``beside``: what its adapter takes.

    Raises ReasonerError, with what would fit, where memory does not do; SettingsError for what cannot be.
    """
    sizes = _Sizes(checkpoint, context, beside)
    chosen = _chosen(sizes, hardware, wanted)
    if not hardware.holds(chosen.needed):
        raise ReasonerError(_too_large(sizes, hardware, chosen, max(hardware.room or 0, 0)))
    return chosen


@dataclass(frozen=True)
class _Sizes:
    """What a model needs in each precision."""

    checkpoint: Checkpoint
    context: int
    beside: int

    def needed(self, precision: str) -> int:
        width = WIDTHS.get(precision, 2)
        cache = self.checkpoint.cache_bytes(self.context, width)
        return _weights(self.checkpoint, precision) + cache + self.beside + WORKING


def _chosen(sizes: _Sizes, hardware: Hardware, wanted: Precision) -> Plan:
    device = hardware.device
    where = hardware.name or device.split(":")[0]
    half = "bfloat16" if not device.startswith("cuda") or hardware.capability >= AMPERE else "float16"
    quantised_by = sizes.checkpoint.quantised_by
    if quantised_by:
        reason = f"as it was quantised ({quantised_by}) on {where}"
        return Plan(device, half, False, sizes.needed("stored"), reason)
    if wanted != "auto":
        dtype = half if wanted == "nf4" else wanted
        reason = f"{'NF4' if wanted == 'nf4' else wanted} on {where}: the settings say so"
        if wanted == "nf4" and device == "cpu":
            reason += f", though {NF4_SLOWER}"
        if wanted == "nf4" and device == "mps":
            raise SettingsError("NF4 needs a CUDA card or a CPU. Set MELLM_LOCAL_PRECISION to float16 on this machine.")
        return Plan(device, dtype, wanted == "nf4", sizes.needed(wanted), reason)
    if device.startswith("cuda"):
        reason = f"NF4 on {where}: a third of the memory; computed in {half}"
        reason += "" if half == "bfloat16" else ", as this card has no bfloat16"
        return Plan(device, half, True, sizes.needed("nf4"), reason)
    if device == "mps":
        return Plan(device, "float16", False, sizes.needed("float16"), "float16 on mps")
    return _on_cpu(sizes, hardware)


def _on_cpu(sizes: _Sizes, hardware: Hardware) -> Plan:
    """The fastest that fits; NF4, the slowest, where nothing else does."""
    dtype = hardware.fastest
    other = "float32" if dtype == "bfloat16" else "bfloat16"
    if hardware.holds(sizes.needed(dtype)):
        if hardware.faster_by >= 1.05:
            faster = f"{hardware.faster_by:.1f} times as fast as {other} here"
        else:
            faster = f"about as fast as {other} here, in half the memory"
        return Plan("cpu", dtype, False, sizes.needed(dtype), f"{dtype} on cpu: {faster}; {NF4_SLOWER}")
    if dtype == "float32" and hardware.holds(sizes.needed("bfloat16")):
        reason = f"bfloat16 on cpu: float32, {hardware.faster_by:.1f} times as fast here, does not fit"
        return Plan("cpu", "bfloat16", False, sizes.needed("bfloat16"), reason)
    reason = "NF4 on cpu: it is slower there, but bfloat16 does not fit"
    return Plan("cpu", "bfloat16", True, sizes.needed("nf4"), reason)


def _weights(checkpoint: Checkpoint, precision: str) -> int:
    width = WIDTHS.get(precision, 2)
    if precision == "stored":
        return checkpoint.stored_bytes
    if precision == "nf4":
        quantised = checkpoint.quantisable
        return int(quantised * NF4_BYTES) + (checkpoint.parameters - quantised) * width
    return checkpoint.parameters * width


def _too_large(sizes: _Sizes, hardware: Hardware, chosen: Plan, room: int) -> str:
    """What is needed, what there is, what would fit."""
    checkpoint = sizes.checkpoint
    where = hardware.name or ("memory" if hardware.device == "cpu" else hardware.device)
    told = (
        f"The model needs {memory.told(chosen.needed)} in {chosen.precision} with a context of {sizes.context} tokens, "
        f"but {memory.told(room)} are free in {where}."
    )
    if not checkpoint.quantised_by:
        for name in ("bfloat16", *(("nf4",) if hardware.device != "mps" else ())):
            needed = sizes.needed(name)
            if needed <= room and needed < chosen.needed:
                slower = ", though more slowly" if name == "nf4" and hardware.device == "cpu" else ""
                fits = f"In {name} ({memory.told(needed)}) it would fit{slower}"
                return f"{told} {fits}: set MELLM_LOCAL_PRECISION={name}."
    stored = "stored" if checkpoint.quantised_by else "nf4" if chosen.nf4 else chosen.dtype
    weights = _weights(checkpoint, stored)
    left = room - (chosen.needed - weights)
    if left > 0 and weights > 0:
        count = left / weights * checkpoint.parameters
        size = f"{count / 1e9:.1f} billion" if count >= 1e9 else f"{count / 1e6:.0f} million"
        return f"{told} A model of up to {size} parameters would fit."
    return f"{told} No model would fit: free some memory, or choose the narrator."
