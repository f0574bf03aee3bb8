"""The model that comes with the app, and the narrator in its place where it cannot speak.

That is where a question is in a language that the model was not taught, as far as script and words show that; where the
model cannot be loaded (too little memory, or files that are not the ones that ``embedded.json`` names); and where the
measurements bore out nothing of what it wrote. Who reads is told in each such reply, by ``SpokenBy``.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Protocol, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mellm_demo.errors import NothingSupported, WeightsError
from mellm_demo.reasoning.intents import language_of
from mellm_demo.reasoning.protocol import Loading, Piece, Reasoner, SpokenBy, asked_last
from mellm_demo.reasoning.tongues import other_language
from mellm_demo.records import Analysis, ReasonerCard, Turn
from mellm_demo.wording import Language, joined

MANIFEST = "embedded.json"
MOST_MANIFEST_BYTES = 65_536
LANGUAGE_NAMES = {"en": "English", "zh": "Chinese"}
OTHER_LANGUAGE: dict[Language, str] = {
    "en": "composed from measurements; the embedded model speaks {languages} only",
    "zh": "由测量结果写成；应用自带的模型只会{languages}",
}
LANGUAGE_NAMES_ZH = {"en": "英语", "zh": "中文"}
NOT_LOADED = "composed from measurements; the embedded model cannot be used: {why}"
NOTHING_BORNE_OUT = (
    "composed from measurements; nothing that the embedded model wrote was supported by them, so none of it is shown"
)
GUARDED_NOTICE = (
    "written by a small language model in this app; sentences that the measurements do not support are not shown, and "
    "it can still be wrong"
)


class _File(BaseModel):
    model_config = ConfigDict(frozen=True)

    file: str = Field(pattern=r"^[\w.\-]+\.gguf$")  # beside the manifest, never elsewhere
    sha256: str = Field(pattern=r"^[0-9a-fA-F]{64}$")


class Manifest(BaseModel):
    """What ``embedded.json`` says: the files with their digests, and what the model was taught to speak."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(min_length=1, max_length=80)
    language: _File
    eye: _File
    adapter: _File | None = None  # what was learned on top of ``language``, as LoRA
    languages: Annotated[tuple[Language, ...], Field(min_length=1)]

    def digests(self, folder: Path) -> tuple[tuple[Path, str], ...]:
        """Each file with the SHA-256 that it must have."""
        return tuple((folder / one.file, one.sha256) for one in self.files)

    @property
    def files(self) -> tuple[_File, ...]:
        """All that belong to the model."""
        return (self.language, self.eye, *((self.adapter,) if self.adapter else ()))


def read_manifest(folder: Path) -> Manifest | None:
    """What lies in a folder of weights; None where it holds no model. Reads no model file.

    Raises WeightsError where the manifest cannot be read, or names a file that is not there.
    """
    path = folder / MANIFEST
    if not path.exists():
        return None
    try:
        data = path.read_bytes()
        manifest = Manifest.model_validate(json.loads(data[: MOST_MANIFEST_BYTES + 1]))
    except (OSError, ValueError, ValidationError) as error:
        raise WeightsError(f"“{MANIFEST}” cannot be used ({_first(error)}). Fetch the weights again.") from None
    missing = [one.file for one in manifest.files if not (folder / one.file).is_file()]
    if missing:
        raise WeightsError(f"“{MANIFEST}” names “{missing[0]}”, which is missing. Fetch the weights again.")
    return manifest


def _first(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return str(error)


class _Model(Reasoner, Protocol):
    """A Reasoner that is loaded when first needed."""

    @property
    def ready(self) -> bool: ...

    @property
    def failure(self) -> str | None: ...

    def prepare(self) -> None: ...

    def progress(self) -> Loading | None: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Embedded:
    """A Reasoner and Loadable: the model, or ``narrator`` where a reply cannot be the model's.

    languages: that the model speaks. language: of the first explanation.
    """

    model: _Model
    narrator: Reasoner
    languages: tuple[Language, ...] = get_args(Language)
    language: Language = "en"

    @property
    def card(self) -> ReasonerCard:
        """The model's; the narrator's, with the reason, once the model turned out not to be usable."""
        why = self.model.failure
        if why is None:
            return self.model.card
        return replace(self.narrator.card, why=f"The model in the weights cannot be used. {why}")

    @property
    def ready(self) -> bool:
        return self.model.ready

    @property
    def failure(self) -> str | None:
        return self.model.failure

    def prepare(self) -> None:
        self.model.prepare()

    def progress(self) -> Loading | None:
        return self.model.progress()

    def close(self) -> None:
        self.model.close()

    def reply(self, analysis: Analysis, turns: Sequence[Turn], cancel: threading.Event) -> Iterator[Piece]:
        """Pieces; see protocol.Reasoner. What the model raises is raised, unless the narrator takes its place."""
        language = asked_in(turns, self.language)
        if language not in self.languages or other_language(asked_last(turns)):
            yield SpokenBy(self._in_place(_only(self.languages, language)))
            yield from self.narrator.reply(analysis, turns, cancel)
            return
        begun = False
        try:
            for piece in self.model.reply(analysis, turns, cancel):
                begun = begun or isinstance(piece, str)
                yield piece
        except Exception as error:
            unsupported = isinstance(error, NothingSupported)
            if begun or (self.model.failure is None and not unsupported):
                raise
            why = NOTHING_BORNE_OUT if unsupported else NOT_LOADED.format(why=self.model.failure)
            yield SpokenBy(self._in_place(why))
            yield from self.narrator.reply(analysis, turns, cancel)

    def _in_place(self, notice: str) -> ReasonerCard:
        return replace(self.narrator.card, notice=notice)


def asked_in(turns: Sequence[Turn], language: Language) -> Language:
    """The language of the answer: that of the last question that shows one, as prompts take it; else ``language``."""
    for turn in turns:
        if turn.role == "user":
            language = language_of(turn.text, language)
    return language


def _only(languages: Sequence[Language], language: Language) -> str:
    names = LANGUAGE_NAMES_ZH if language == "zh" else LANGUAGE_NAMES
    return OTHER_LANGUAGE[language].format(languages=joined([names[one] for one in languages], language))
