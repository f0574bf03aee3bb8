"""What all handlers of the page work with, and how they tell what went wrong."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from weakref import WeakValueDictionary

from mellm_demo.errors import MellmError
from mellm_demo.reasoning.choice import Speakers
from mellm_demo.records import Analysis
from mellm_demo.settings import Settings
from mellm_demo.ui.engine import Engine
from mellm_demo.ui.layout import Example, Page
from mellm_demo.ui.session import Uploads, Visit

logger = logging.getLogger(__name__)

Updates = dict[Any, Any]  # component → its new value or properties

UNEXPECTED = (
    "Something in the program failed, not in what you did. Try once more; if it happens again, try another clip."
)


@dataclass(frozen=True)
class House:
    """What all handlers work with. Holds nothing about a visitor but a way to find the visit when its page closes."""

    page: Page
    settings: Settings
    engine: Engine
    speakers: Speakers
    suggest: Callable[[Analysis], tuple[str, ...]]
    examples: tuple[Example, ...]
    uploads: Uploads
    visits: WeakValueDictionary[str, Visit]


def log_failure(what: str, error: BaseException) -> None:
    """Where it failed, for the log; no message and no names, which may tell about a visitor's file."""
    where = "".join(traceback.format_tb(error.__traceback__))
    logger.error("%s failed with %s\n%s", what, type(error).__name__, where)


def in_words(what: str, error: Exception) -> str:
    """The sentence that a visitor sees."""
    if isinstance(error, MellmError):
        return str(error)
    log_failure(what, error)
    return UNEXPECTED
