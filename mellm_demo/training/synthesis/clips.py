"""Rendered clips and their truth as files, and the still pictures that they come from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from mellm_demo.errors import InputError, MellmError
from mellm_demo.records import FloatArray, Image
from mellm_demo.training.synthesis.scene import Scene
from mellm_demo.training.synthesis.spec import ClipSpec
from mellm_demo.training.synthesis.truth import Truth


def render(face_rgb: Image, spec: ClipSpec, landmarks: FloatArray | None = None) -> tuple[Iterator[Image], Truth]:
    """Frames (height, width, 3) RGB, one at a time, and what is true of them. Raises as Scene does."""
    scene = Scene(face_rgb, spec, landmarks)
    return scene.frames(), scene.truth()


def write_clip(
    path: Path,
    frames: Iterable[Image],
    fps: float,
    *,
    crf: int = 18,
    bit_rate: int | None = None,
    lossless: bool = False,
) -> Path:
    """H.264 (``crf``, or ``bit_rate`` in bit/s) in the container that the suffix names; ``lossless``: FFV1 (use .mkv).

    frames: (H, W, 3) RGB of even sides. One thread, so that the same frames give the same file anywhere.
    Raises InputError where there is no frame.
    """
    import av

    with av.open(str(path), "w") as container:
        rate = Fraction(fps).limit_denominator(1001)
        stream = container.add_stream("ffv1" if lossless else "libx264", rate=rate)
        count = 0
        for frame in frames:
            if not count:
                stream.height, stream.width = frame.shape[:2]
                stream.pix_fmt = "bgr0" if lossless else "yuv420p"
                stream.codec_context.thread_count = 1
                if not lossless:
                    stream.options = {"preset": "medium"} | ({} if bit_rate else {"crf": str(crf)})
                if bit_rate:
                    stream.bit_rate = bit_rate
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), "rgb24")))
            count += 1
        if not count:
            raise InputError("There is no frame to write. Render one at least.")
        container.mux(stream.encode())
    return path


def write_truth(path: Path, scene: Scene) -> None:
    """``path`` with .json (Truth) and .npz (flow_0, flow_1, … as Scene.flows) instead of its suffix."""
    path.with_suffix(".json").write_text(scene.truth().to_json() + "\n", encoding="utf-8")
    flows: dict[str, Any] = {f"flow_{index}": flow for index, flow in enumerate(scene.flows())}
    np.savez_compressed(path.with_suffix(".npz"), **flows)


def portrait() -> Image:
    """scikit-image's astronaut (a NASA photograph, public domain), (512, 512, 3) RGB. Raises MellmError without it."""
    try:
        from skimage import data
    except ImportError:
        raise MellmError("scikit-image is not installed. Install it, or give a picture with --face.") from None
    return np.asarray(data.astronaut(), np.uint8)


def read_picture(path: Path) -> Image:
    """(H, W, 3) RGB, upright. Raises InputError where the file is no picture."""
    from PIL import Image as pictures
    from PIL import ImageOps

    try:
        with pictures.open(path) as opened:
            return np.asarray(ImageOps.exif_transpose(opened).convert("RGB"))
    except (OSError, ValueError):
        raise InputError(f"{path.name} cannot be read as a picture. Give a JPEG or PNG.") from None
