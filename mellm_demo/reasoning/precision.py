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
NF4_SLOWER = "NF4 is slower there and saves no memory"


@dataclass(frozen=True)
class Hardware:
    """What there is to compute with."""

    device: str  # “cpu”, “cuda:0”, “mps”
    free: int | None  # bytes
    name: str = ""  # of the card
    capability: tuple[int, int] = (0, 0)
    fastest: str = "bfloat16"  # on a CPU, of bfloat16 and float32
    faster_by: float = 1.0  # than the other of the two


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


def plan(checkpoint: Checkpoint, hardware: Hardware, wanted: Precision, context: int) -> Plan:
    """The plan for a model.

    Raises ReasonerError, with what would fit, where memory does not do; SettingsError for what cannot be.
    """
    chosen = _chosen(checkpoint, hardware, wanted, context)
    free = hardware.free
    room = None if free is None else free - (memory.RESERVE if hardware.device == "cpu" else 0)
    if room is not None and chosen.needed > room:
        raise ReasonerError(_too_large(checkpoint, hardware, chosen, context, max(room, 0)))
    return chosen


def _chosen(checkpoint: Checkpoint, hardware: Hardware, wanted: Precision, context: int) -> Plan:
    device = hardware.device
    where = hardware.name or device.split(":")[0]
    half = "bfloat16" if not device.startswith("cuda") or hardware.capability >= AMPERE else "float16"
    if checkpoint.quantised_by:
        needed = _needed(checkpoint, "stored", context)
        reason = f"as it was quantised ({checkpoint.quantised_by}) on {where}"
        return Plan(device, half, False, needed, reason)
    if wanted != "auto":
        dtype = half if wanted == "nf4" else wanted
        reason = f"{'NF4' if wanted == 'nf4' else wanted} on {where}: the settings say so"
        if wanted == "nf4" and device == "cpu":
            reason += f", though {NF4_SLOWER}"
        if wanted == "nf4" and device == "mps":
            raise SettingsError("NF4 needs a CUDA card or a CPU. Set MELLM_LOCAL_PRECISION to float16 on this machine.")
        return Plan(device, dtype, wanted == "nf4", _needed(checkpoint, wanted, context), reason)
    if device.startswith("cuda"):
        reason = f"NF4 on {where}: a third of the memory; computed in {half}"
        reason += "" if half == "bfloat16" else ", as this card has no bfloat16"
        return Plan(device, half, True, _needed(checkpoint, "nf4", context), reason)
    if device == "mps":
        return Plan(device, "float16", False, _needed(checkpoint, "float16", context), "float16 on mps")
    dtype = hardware.fastest
    other = "float32" if dtype == "bfloat16" else "bfloat16"
    tight = hardware.free is not None and _needed(checkpoint, dtype, context) + memory.RESERVE > hardware.free
    if dtype == "float32" and tight:
        reason = f"bfloat16 on cpu: float32, {hardware.faster_by:.1f} times as fast here, does not fit"
        return Plan(device, "bfloat16", False, _needed(checkpoint, "bfloat16", context), reason)
    if hardware.faster_by >= 1.05:
        faster = f"{hardware.faster_by:.1f} times as fast as {other} here"
    else:
        faster = f"about as fast as {other} here, in half the memory"
    reason = f"{dtype} on cpu: {faster}; {NF4_SLOWER}"
    return Plan(device, dtype, False, _needed(checkpoint, dtype, context), reason)


def _needed(checkpoint: Checkpoint, precision: str, context: int) -> int:
    width = WIDTHS.get(precision, 2)
    return _weights(checkpoint, precision) + checkpoint.cache_bytes(context, width) + WORKING


def _weights(checkpoint: Checkpoint, precision: str) -> int:
    width = WIDTHS.get(precision, 2)
    if precision == "stored":
        return checkpoint.stored_bytes
    if precision == "nf4":
        quantised = checkpoint.quantisable
        return int(quantised * NF4_BYTES) + (checkpoint.parameters - quantised) * width
    return checkpoint.parameters * width


def _too_large(checkpoint: Checkpoint, hardware: Hardware, chosen: Plan, context: int, room: int) -> str:
    """What is needed, what there is, what would fit."""
    where = hardware.name or ("memory" if hardware.device == "cpu" else hardware.device)
    told = (
        f"The model needs {memory.told(chosen.needed)} in {chosen.precision} with a context of {context} tokens, but "
        f"{memory.told(room)} are free in {where}."
    )
    if not checkpoint.quantised_by:
        for name in ("bfloat16", *(("nf4",) if hardware.device.startswith("cuda") else ())):
            needed = _needed(checkpoint, name, context)
            if needed <= room and needed < chosen.needed:
                return f"{told} In {name} ({memory.told(needed)}) it would fit: set MELLM_LOCAL_PRECISION={name}."
    stored = "stored" if checkpoint.quantised_by else "nf4" if chosen.nf4 else chosen.dtype
    weights = _weights(checkpoint, stored)
    left = room - (chosen.needed - weights)
    if left > 0 and weights > 0:
        count = left / weights * checkpoint.parameters
        size = f"{count / 1e9:.1f} billion" if count >= 1e9 else f"{count / 1e6:.0f} million"
        return f"{told} A model of up to {size} parameters would fit."
    return f"{told} No model would fit: free some memory, or choose the narrator."
