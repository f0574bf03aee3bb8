"""The pictures of the selected moment as a zip, with a text that says what they are."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import PurePath

import numpy as np

from mellm_demo.export import plain
from mellm_demo.records import Analysis, Image

ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # the same pictures give the same bytes


HONESTY = (
    "Motion is measured; what it may express is inferred. One movement can go with several feelings, or with none.",
    "Micro-expressions do not show whether somebody lies. This is not a lie detector.",
    "A face is biometric data: keep and share these pictures only with the consent of the person shown.",
)
PICTURE_NOTES: dict[str, str] = {
    "onset.png": "the frame in which the movement begins",
    "apex.png": "the frame in which it is largest",
    "motion_map.png": "the motion from onset to apex over the onset frame; hue is direction, brightness is magnitude. "
    "Brightness is relative to this one picture: a still face lights up like a moving one",
    "colour_wheel.png": "which hue of the motion map stands for which direction",
    "magnified.webp": "the measured motion, amplified: not real",
}


def to_zip(analysis: Analysis, pictures: Mapping[str, Image | bytes] | None = None) -> bytes:
    """A zip of the onset frame, the apex frame and the motion map (PNG), of ``pictures``, and a README.txt.

    ``pictures`` maps a file name to an image (uint8 RGB, RGBA or gray, written as PNG) or to bytes that are a picture
    or film already. Where there is no moment to look at, the zip holds the README.txt and ``pictures``. The same input
    gives the same bytes.
    """
    files: dict[str, bytes] = {}
    if analysis.moment:
        moment = analysis.moment
        files["onset.png"] = png_bytes(moment.onset_rgb)
        files["apex.png"] = png_bytes(moment.apex_rgb)
        files["motion_map.png"] = png_bytes(moment.motion_map)
    for wanted, picture in (pictures or {}).items():
        name = plain.file_name(wanted)
        if isinstance(picture, bytes):
            files[name] = picture
        else:
            files[str(PurePath(name).with_suffix(".png"))] = png_bytes(picture)
    files["README.txt"] = _zip_readme(analysis, files).encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, ZIP_DATE), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def png_bytes(image: Image) -> bytes:
    """An image (uint8; gray, RGB or RGBA) as PNG."""
    from PIL import Image as Pillow

    data = io.BytesIO()
    Pillow.fromarray(np.ascontiguousarray(image)).save(data, "PNG")
    return data.getvalue()


def _zip_readme(analysis: Analysis, names: Iterable[str]) -> str:
    lines = ["The finding", "", analysis.headline]
    if analysis.reasons:
        lines += ["", *(f"- {reason}" for reason in analysis.reasons)]
    if analysis.moment:
        interval = analysis.moment.interval
        lines += [
            "",
            f"Onset {interval.onset_ms:.0f} ms, apex {interval.apex_ms:.0f} ms, offset {interval.offset_ms:.0f} ms"
            + (" (set by hand)." if interval.by_user else "."),
        ]
    lines += ["", f"Clip: {plain.file_name(analysis.clip.name)} (SHA-256 {analysis.clip.sha256})", "", "Files", ""]
    lines += [f"- {name}" + (f": {PICTURE_NOTES[name]}" if name in PICTURE_NOTES else "") for name in names]
    lines += ["", "Left and right are those of the person shown.", "", "Please keep in mind", ""]
    lines += [f"- {sentence}" for sentence in HONESTY]
    return plain.text("\n".join(lines)) + "\n"
