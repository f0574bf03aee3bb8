"""What can be set, from the environment (``MELLM_…``, as on a Space) or from code. Frozen; unknown keys are errors."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from mellm_demo.errors import SettingsError

ENV_PREFIX = "MELLM_"
NOT_SETTINGS = frozenset({"MELLM_DATA"})  # where the tests find real clips


class Settings(BaseModel):
    """Limits and places. Every field can be given as ``MELLM_<FIELD IN CAPITALS>``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    port: int = Field(7860, ge=0, le=65535)

    max_upload_mb: float = Field(200.0, gt=0, description="size of the uploaded file or archive")
    max_seconds: float = Field(60.0, gt=0, description="length of a clip")
    max_frames: int = Field(3600, ge=2, description="frames in a clip")
    max_pixels: int = Field(3840 * 2160, ge=64 * 64, description="pixels in one frame")
    max_faces: int = Field(3, ge=1, le=10, description="faces followed at once")
    default_frame_rate: float = Field(30.0, ge=1, le=1000, description="frames/s of a folder or zip that names none")

    min_interocular_px: float = Field(24.0, gt=0, description="smaller faces cannot be measured")
    max_yaw_deg: float = Field(30.0, gt=0, le=90)
    max_pitch_deg: float = Field(25.0, gt=0, le=90)

    queue_size: int = Field(20, ge=1, description="visitors waiting before new ones are turned away")
    session_minutes: float = Field(60.0, gt=0, description="a quiet session is forgotten after this time")

    speaker: Literal["auto", "remote", "local", "gguf", "embedded", "narrator"] = Field(
        "auto", description="who explains and answers"
    )
    max_tokens: int = Field(1024, ge=16, description="length of an answer by a model in the app")
    context_tokens: int = Field(4096, ge=512, description="prompt and answer together, for a model in the app")
    temperature: float = Field(0.7, ge=0, le=2, description="0: always the likeliest words")
    prompt_style: Literal["auto", "plain", "brief", "mellm_v1"] = Field("auto", description="shape of the prompt")
    guarded: Literal["auto", "on", "off"] = Field(
        "auto", description="whether sentences that the measurements do not support are written again"
    )

    local_model: str | None = Field(None, description="folder or hub name of an image-text model for transformers")
    local_adapter: str | None = Field(None, description="folder or hub name of a LoRA adapter for it")
    local_precision: Literal["auto", "nf4", "bfloat16", "float16", "float32"] = "auto"
    local_device: str = Field("auto", description="auto, cpu, cuda, cuda:1, mps")
    local_attention: Literal["auto", "sdpa", "eager", "flash_attention_2", "flash_attention_3", "flex_attention"] = (
        "auto"
    )
    local_max_pixels: int = Field(448 * 448, ge=28 * 28, description="larger images are made smaller for the model")

    gguf_model: str | None = Field(None, description="a GGUF file for llama.cpp")
    gguf_projector: str | None = Field(None, description="its mmproj file, where it does not lie beside it")
    gguf_threads: int = Field(0, ge=0, description="0: as many as the machine has free")

    remote_base_url: str | None = Field(None, description="OpenAI-compatible server, up to and including /v1")
    remote_model: str | None = Field(None, description="name of the model on that server")
    remote_api_key: SecretStr | None = Field(None, description="never shown, logged or exported")
    remote_connect_seconds: float = Field(10.0, gt=0, description="time to connect")
    remote_first_token_seconds: float = Field(120.0, gt=0, description="time until it begins to answer")
    remote_between_tokens_seconds: float = Field(30.0, gt=0, description="longest silence within an answer")
    remote_max_tokens: int = Field(1024, ge=16, description="length of an answer")
    remote_context_tokens: int = Field(4096, ge=512, description="prompt and answer together")
    remote_image: Literal["on", "off"] = Field("on", description="whether it is sent the motion map")
    prompt_file: str | None = Field(None, description="text for MELLM's own weights, from their owners")

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None, **overrides: object) -> Settings:
        """Settings from ``MELLM_…`` variables, then ``overrides`` (``None`` means: not given).

        Raises SettingsError naming the first key or value that is wrong.
        """
        environ = os.environ if environ is None else environ
        values: dict[str, object] = {
            key.removeprefix(ENV_PREFIX).lower(): value
            for key, value in environ.items()
            if key.startswith(ENV_PREFIX) and key not in NOT_SETTINGS
        }
        values |= {key: value for key, value in overrides.items() if value is not None}
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            key = str(first["loc"][0]) if first["loc"] else "?"
            if first["type"] == "extra_forbidden":
                known = ", ".join(sorted(cls.model_fields))
                raise SettingsError(f"There is no setting “{key}”. Known settings: {known}.") from None
            secret = key in cls.model_fields and "SecretStr" in str(cls.model_fields[key].annotation)
            told = "what it is set to" if secret else repr(values.get(key))
            raise SettingsError(f"The setting “{key}” cannot be {told}: {first['msg']}.") from None
