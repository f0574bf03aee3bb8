"""What a chat model is told: analysis and conversation → messages. All words stand here; a test can print them.

The model sees one image, the motion map, a legend of its eight directions, and the same motion in words: what moved,
how far, which way, when, and what limits it. The system part is fixed text. Whatever a visitor wrote comes after the
evidence, cleaned, cut to a length and between marks. The clip's file name is never told: it is a visitor's text, and
names like “anger_03.mp4” would give an answer away.

Knows no tokenizer (a counter is passed in), no chat template, no model and no server.
"""

from mellm_demo.reasoning.prompts.building import DEFAULT_BUDGET, Style, build
from mellm_demo.reasoning.prompts.cleaning import clean
from mellm_demo.reasoning.prompts.messages import Message, Prompt, estimate_tokens, map_png
from mellm_demo.reasoning.prompts.owners_text import MOST_PROMPT_FILE_BYTES, read_prompt_file
from mellm_demo.reasoning.prompts.words import ANSWER_IN, ANSWER_LIKE, MELLM_V1_ZH, SYSTEM

__all__ = [
    "ANSWER_IN", "ANSWER_LIKE", "DEFAULT_BUDGET", "MELLM_V1_ZH", "MOST_PROMPT_FILE_BYTES", "SYSTEM", "Message",
    "Prompt", "Style", "build", "clean", "estimate_tokens", "map_png", "read_prompt_file",
]  # fmt: skip
