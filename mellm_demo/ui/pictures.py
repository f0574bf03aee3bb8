"""Pixels and drawings as data URIs: pictures travel inside the message to the page that asked for them, never as files.

Knows nothing of what is shown.
"""

from __future__ import annotations

import base64

from mellm_demo.records import Image

JPEG_QUALITY = 88


def data_uri(data: bytes, kind: str) -> str:
    """``data`` of the type image/``kind``."""
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"


def jpeg(rgb: Image) -> str:
    """An (H, W, 3) RGB picture as a data URI."""
    import cv2

    done, data = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not done:
        raise ValueError(f"A picture of shape {rgb.shape} could not be encoded.")
    return data_uri(data.tobytes(), "jpeg")


def png(pixels: Image) -> str:
    """An (H, W, 3) RGB or (H, W, 4) RGBA picture as a data URI, lossless."""
    import cv2

    code = cv2.COLOR_RGBA2BGRA if pixels.shape[2] == 4 else cv2.COLOR_RGB2BGR
    done, data = cv2.imencode(".png", cv2.cvtColor(pixels, code))
    if not done:
        raise ValueError(f"A picture of shape {pixels.shape} could not be encoded.")
    return data_uri(data.tobytes(), "png")


def svg(markup: str) -> str:
    """A drawing as a data URI. As an image it cannot run scripts or reach the page."""
    return data_uri(markup.encode("utf-8"), "svg+xml")
