"""Who can speak here, and who does unless another is chosen: what the settings name, else the model that lies in the
weights, else the narrator. Nothing is loaded for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from mellm_demo.errors import MellmError, SettingsError
from mellm_demo.reasoning.answering import Manner
from mellm_demo.reasoning.narrator import Narrator
from mellm_demo.reasoning.protocol import Loading, Reasoner
from mellm_demo.reasoning.resident import NOTICE, Resident
from mellm_demo.settings import Settings

if TYPE_CHECKING:
    from mellm_demo.reasoning.embedded import Manifest
    from mellm_demo.reasoning.llamacpp import GgufOptions

EMBEDDED = Path(__file__).resolve().parents[2] / "weights" / "embedded"
NARRATOR = "narrator"
SHORT_CHARS = 28  # of a name in the list of speakers: what 390 px have room for
_PRECISION = re.compile(r"[-_.](?:I?Q\d\w*|bf16|fp?(?:16|32)|MXFP4)(?:-\d{5}-of-\d{5})?$", re.IGNORECASE)
OWN_CONTEXT = 2048  # tokens of prompt and answer: the embedded model was taught on 1,500 and less
OWN_MAX_TOKENS = 512  # of its answers
OWN_TEMPERATURE = 0.0  # a small model's likeliest word is its best
NO_MODEL = "No language model is named in the settings, and none lies in the weights."


@runtime_checkable
class Loadable(Protocol):
    """A Reasoner that has to be made ready."""

    ready: bool
    failure: str | None

    def prepare(self) -> None:
        """Begin to load, unless that has begun."""
        ...

    def progress(self) -> Loading | None:
        """How far it is; None where it is not loading."""
        ...


@dataclass(frozen=True)
class Speakers:
    """All who can speak, by key, the one first who does unless another is chosen."""

    by_key: Mapping[str, Reasoner]

    @property
    def default(self) -> str:
        return next(iter(self.by_key))

    def get(self, key: str) -> Reasoner:
        """The one with this key; for one that is not there the default."""
        return self.by_key.get(key) or self.by_key[self.default]

    def labels(self) -> list[tuple[str, str]]:
        """Short name and key of each, for a list to choose from; no two names are the same."""
        names = {key: short_name(reasoner.card.name) for key, reasoner in self.by_key.items()}
        shared = [name for name in names.values() if list(names.values()).count(name) > 1]
        return [(f"{name} ({key})" if name in shared else name, key) for key, name in names.items()]


def short_name(name: str) -> str:
    """A model's name as it fits on a narrow page: no folders, no file ending, no precision, no more than 28 characters.

    The whole name stays in its card.
    """
    told = " ".join(re.split(r"[/\\]", name.strip().rstrip("/\\"))[-1].split())
    told = _PRECISION.sub("", re.sub(r"\.(?:gguf|safetensors|bin)$", "", told, flags=re.IGNORECASE)) or told
    if len(told) <= SHORT_CHARS:
        return told
    cut = told[: SHORT_CHARS - 1]
    at_word = re.match(r"(.{12,}?)[\s\-_.][^\s\-_.]*$", cut)
    return f"{(at_word[1] if at_word else cut).rstrip(' -_.')}…"


def speakers(settings: Settings, embedded: Path = EMBEDDED) -> Speakers:
    """Who can speak by these settings.

    Raises SettingsError or WeightsError, with a sentence, where they name something that cannot be used.
    """
    found: dict[str, Reasoner] = {}
    for key, make in (("remote", _remote), ("local", _local), ("gguf", _gguf)):
        reasoner = make(settings)
        if reasoner is not None:
            found[key] = reasoner
    if settings.prompt_file and not found:
        raise SettingsError(
            "“prompt_file” is a text for a model that the settings name, but none is named. Name one, or no prompt "
            "file."
        )
    why = NO_MODEL
    try:
        reasoner = _embedded(settings, embedded)
        if reasoner is not None:
            found["embedded"] = reasoner
    except MellmError as error:
        why = f"The model in the weights cannot be used. {error}"
    models = [getattr(one, "model", one) for one in found.values()]
    residents = [one for one in models if isinstance(one, Resident)]
    for one in residents:
        one.beside(residents)
    if found:
        why = "It was chosen instead of a language model."
    found[NARRATOR] = Narrator(why=why)
    wanted = settings.speaker
    if wanted != "auto":
        if wanted not in found:
            raise SettingsError(_absent(wanted))
        found = {wanted: found[wanted], **found}
    return Speakers(found)


def _absent(wanted: str) -> str:
    needs = {
        "remote": "MELLM_REMOTE_BASE_URL and MELLM_REMOTE_MODEL",
        "local": "MELLM_LOCAL_MODEL",
        "gguf": "MELLM_GGUF_MODEL",
    }.get(wanted)
    then = f"Set {needs} too" if needs else "Put one into weights/embedded"
    return f"The setting “speaker” asks for “{wanted}”, but no such model is named. {then}, or choose auto."


def _manner(settings: Settings, *, guarded: bool = False) -> Manner:
    from mellm_demo.reasoning.prompts import read_prompt_file

    style = settings.prompt_style
    if settings.prompt_file and style in ("plain", "brief"):
        raise SettingsError(
            f"“prompt_file” is a text for MELLM's own weights, which “prompt_style” {style} does not use. Set the "
            "style to auto or mellm_v1, or name no prompt file."
        )
    template = read_prompt_file(settings.prompt_file) if settings.prompt_file else None
    if style == "auto":
        style = "mellm_v1" if template else "plain"
    return Manner(settings.max_tokens, settings.temperature, style, template, guarded)


def _own_manner(settings: Settings) -> Manner:
    """Of the embedded model: what the settings leave open is as it was taught."""
    given = settings.model_fields_set
    return Manner(
        max_tokens=settings.max_tokens if "max_tokens" in given else OWN_MAX_TOKENS,
        temperature=settings.temperature if "temperature" in given else OWN_TEMPERATURE,
        style="plain" if settings.prompt_style == "plain" else "brief",  # the third shape is another model's
        guarded=settings.guarded != "off",
    )


def _remote(settings: Settings) -> Reasoner | None:
    if settings.remote_base_url is None and settings.remote_model is None:
        return None
    if settings.remote_base_url is None or settings.remote_model is None:
        raise SettingsError("A server needs both “remote_base_url” and “remote_model”. Set both, or neither.")
    from mellm_demo.reasoning.remote import RemoteModel, RemoteOptions

    manner = _manner(settings)
    budget = settings.remote_context_tokens - settings.remote_max_tokens
    if budget <= 0:
        raise SettingsError(
            f"An answer of {settings.remote_max_tokens} tokens leaves no room for a question in "
            f"{settings.remote_context_tokens}. Set a smaller “remote_max_tokens”, or “remote_context_tokens” to what "
            "the server allows."
        )
    return RemoteModel(
        RemoteOptions(
            base_url=settings.remote_base_url,
            model=settings.remote_model,
            api_key=settings.remote_api_key,
            connect_s=settings.remote_connect_seconds,
            first_token_s=settings.remote_first_token_seconds,
            between_tokens_s=settings.remote_between_tokens_seconds,
            max_tokens=settings.remote_max_tokens,
            temperature=manner.temperature,
            budget=budget,
            style=manner.style,
            template=manner.template,
            with_image=settings.remote_image == "on",
        )
    )


def _local(settings: Settings) -> Reasoner | None:
    if settings.local_model is None:
        if settings.local_adapter is not None:
            raise SettingsError("“local_adapter” needs the model that it was trained on. Set “local_model” too.")
        return None
    from mellm_demo.reasoning.local import LocalOptions, local_model

    options = LocalOptions(
        model=settings.local_model,
        adapter=settings.local_adapter,
        precision=settings.local_precision,
        device=settings.local_device,
        attention=settings.local_attention,
        max_pixels=settings.local_max_pixels,
        context=settings.context_tokens,
    )
    return local_model(options, _manner(settings))


def _gguf(settings: Settings) -> Reasoner | None:
    if settings.gguf_model is None:
        if settings.gguf_projector is not None:
            raise SettingsError("“gguf_projector” needs the model that it belongs to. Set “gguf_model” too.")
        return None
    projector = Path(settings.gguf_projector).expanduser() if settings.gguf_projector else None
    from mellm_demo.reasoning.llamacpp import GgufOptions, gguf_model

    model = Path(settings.gguf_model).expanduser()
    options = GgufOptions(model, projector, settings.context_tokens, settings.gguf_threads)
    return gguf_model(options, _manner(settings, guarded=settings.guarded == "on"))


def _embedded(settings: Settings, folder: Path) -> Reasoner | None:
    """The model in the weights. Whether its files are the right ones is found out when it is loaded: that takes time.

    Raises WeightsError for a file that is missing or is no model.
    """
    from mellm_demo.reasoning.embedded import Embedded, read_manifest

    manifest = read_manifest(folder)
    if manifest is None:
        return None
    from mellm_demo.reasoning.llamacpp import gguf_model

    model = gguf_model(embedded_options(manifest, folder, settings), _own_manner(settings))
    return Embedded(model, Narrator(), manifest.languages)


def embedded_options(manifest: Manifest, folder: Path, settings: Settings) -> GgufOptions:
    """Which files the model in ``folder`` consists of, and how the app runs them."""
    from mellm_demo.reasoning.embedded import GUARDED_NOTICE
    from mellm_demo.reasoning.llamacpp import GgufOptions, own_threads

    return GgufOptions(
        model=folder / manifest.language.file,
        projector=folder / manifest.eye.file,
        adapter=folder / manifest.adapter.file if manifest.adapter else None,
        context=settings.context_tokens if "context_tokens" in settings.model_fields_set else OWN_CONTEXT,
        threads=settings.gguf_threads or own_threads(),
        why="It comes with the app.",
        name=manifest.name,
        notice=GUARDED_NOTICE if _own_manner(settings).guarded else NOTICE,
        digests=manifest.digests(folder),
    )
