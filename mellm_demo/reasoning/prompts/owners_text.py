"""The text that owners of MELLM's weights put in the place of our Chinese words."""

from __future__ import annotations

from pathlib import Path

from mellm_demo.errors import SettingsError

MOST_PROMPT_FILE_BYTES = 65_536


def read_prompt_file(path: str | Path) -> str:
    """The text that owners of MELLM's weights supply for them.

    Raises SettingsError, with what is wrong: no such file, empty, too large, not UTF-8.
    """
    name = Path(path).name
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise SettingsError(
            f"The prompt file “{name}” cannot be read ({error.strerror}). Name a text file, or none."
        ) from None
    if len(data) > MOST_PROMPT_FILE_BYTES:
        raise SettingsError(
            f"The prompt file “{name}” has {len(data)} bytes; {MOST_PROMPT_FILE_BYTES} are allowed. Shorten it."
        )
    try:
        text = data.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise SettingsError(f"The prompt file “{name}” is not UTF-8 text. Save it as UTF-8.") from None
    if not text:
        raise SettingsError(f"The prompt file “{name}” is empty. Write the prompt into it, or name none.")
    return text
