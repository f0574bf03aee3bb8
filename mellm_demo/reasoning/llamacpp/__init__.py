"""A 4-bit GGUF model, by llama.cpp (``xllamacpp``): the practical engine without a graphics card."""

from mellm_demo.reasoning.llamacpp.engine import gguf_model, load_now
from mellm_demo.reasoning.llamacpp.files import GgufOptions, find_projector, parameters_told
from mellm_demo.reasoning.llamacpp.threads import free_threads, own_threads

__all__ = ["GgufOptions", "find_projector", "free_threads", "gguf_model", "load_now", "own_threads", "parameters_told"]
