"""What there is to compute with: the device asked for, and on a CPU which precision it computes faster."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from mellm_demo.errors import SettingsError
from mellm_demo.reasoning import memory
from mellm_demo.reasoning.precision import Hardware
from mellm_demo.reasoning.zero_gpu import lends_to

TRIAL_ROWS = (128, 1)  # a piece of a prompt, and a token: what is timed to choose a CPU's precision …
TRIAL_WEIGHTS = (5, 150)  # … and how often each comes in an answer, about
TRIAL_WIDTH, TRIAL_LAYERS, TRIALS = 1024, 4, 12
CLEARLY = 1.25
ZERO_GPU_CAPABILITY = (9, 0)  # of the cards that are lent there, H200


def hardware(wanted: str, torch: Any) -> Hardware:
    """What there is to compute with, on the device asked for. Raises SettingsError where it is not there."""
    device = wanted
    if lends_to(wanted):  # lent later: it cannot be asked yet
        return Hardware("cuda:0", None, "ZeroGPU", ZERO_GPU_CAPABILITY)
    if wanted == "auto":
        device = "cuda:0" if torch.cuda.is_available() else "cpu"
        if device == "cpu" and torch.backends.mps.is_available():
            device = "mps"
    if device == "cuda":
        device = "cuda:0"
    if device.startswith("cuda"):
        place = device.removeprefix("cuda:")
        if not torch.cuda.is_available() or not place.isdigit() or int(place) >= torch.cuda.device_count():
            raise SettingsError(f"There is no CUDA card “{wanted}” here. Set MELLM_LOCAL_DEVICE to cpu or auto.")
        free = torch.cuda.mem_get_info(int(place))[0]
        capability = torch.cuda.get_device_capability(int(place))
        return Hardware(device, free, torch.cuda.get_device_name(int(place)), capability)
    if device == "mps":
        return Hardware("mps", memory.available())
    if device != "cpu":
        raise SettingsError(f"The device “{wanted}” is not known. Set MELLM_LOCAL_DEVICE to auto, cpu, cuda or cuda:1.")
    fastest, faster_by = fastest_on_cpu(torch)
    return Hardware("cpu", memory.available(), fastest=fastest, faster_by=faster_by)


def fastest_on_cpu(torch: Any) -> tuple[str, float]:
    """bfloat16 or float32, whichever is better on this CPU, and how many times as fast as the other; in a second.

    Times linear layers for a piece of a prompt and for single tokens, in the shares in which an answer needs them.
    float32 takes twice the memory, so it has to be clearly faster.
    """
    kinds = {name: getattr(torch, name) for name in ("bfloat16", "float32")}
    layers = {
        name: [torch.randn(TRIAL_WIDTH, TRIAL_WIDTH).to(kind) for _ in range(TRIAL_LAYERS)]
        for name, kind in kinds.items()
    }
    times = dict.fromkeys(kinds, 0.0)
    with torch.inference_mode():
        for rows, weight in zip(TRIAL_ROWS, TRIAL_WEIGHTS, strict=True):
            best = dict.fromkeys(kinds, float("inf"))
            for _ in range(TRIALS):  # by turns: what else the machine does meets both
                for name, kind in kinds.items():
                    given = torch.randn(rows, TRIAL_WIDTH).to(kind)
                    best[name] = min(best[name], _timed(torch, given, layers[name]))
            for name in kinds:
                times[name] += weight * best[name]
    if times["float32"] * CLEARLY < times["bfloat16"]:
        return "float32", times["bfloat16"] / times["float32"]
    return "bfloat16", times["float32"] / times["bfloat16"]


def _timed(torch: Any, given: Any, layers: Sequence[Any]) -> float:
    begun = time.perf_counter()
    for layer in layers:
        torch.nn.functional.linear(given, layer)
    return max(time.perf_counter() - begun, 1e-9)
