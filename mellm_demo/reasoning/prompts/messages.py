"""What goes to a chat model, as data: messages, an image among them, and how many tokens they take."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from mellm_demo.records import Image
from mellm_demo.wording import HAN, Language

Role = Literal["system", "user", "assistant"]
Counter = Callable[[str], int]

CHARACTERS_PER_TOKEN = 3.2  # of English and numbers, by the usual byte-pair vocabularies; on the safe side
IMAGE_TOKENS = 256  # a 448 px image in patches of 28 px, the measure of Qwen2.5-VL
MESSAGE_TOKENS = 8  # what a chat template adds around a message


@dataclass(frozen=True)
class Message:
    """One message of a chat. The image, if any, comes before the text."""

    role: Role
    text: str
    image_png: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Prompt:
    """What goes to the model."""

    messages: tuple[Message, ...]  # system first where there is one; then user and assistant in turns
    language: Language  # of what the model is told, and of the answer unless the question is in a third one
    tokens: int  # by the counter, image included
    dropped_turns: int  # older turns that did not fit

    def shown(self) -> str:
        """The whole prompt as text, to be read by people: roles, an image as its size in bytes, texts."""
        parts = []
        for message in self.messages:
            image = f"[image: PNG, {len(message.image_png)} bytes]\n" if message.image_png else ""
            parts.append(f"--- {message.role}\n{image}{message.text}")
        return "\n".join(parts)


def estimate_tokens(text: str) -> int:
    """Roughly how many tokens a text takes, with no tokenizer at hand: a Chinese character counts as one."""
    han = len(re.findall(f"[{HAN}]", text))
    return han + round((len(text) - han) / CHARACTERS_PER_TOKEN) + 1


def map_png(picture: Image) -> bytes:
    """(H, W, 3) uint8 RGB → PNG: lossless, since hue is direction."""
    from PIL import Image as Pictures

    buffer = io.BytesIO()
    Pictures.fromarray(picture).save(buffer, "PNG")
    return buffer.getvalue()
