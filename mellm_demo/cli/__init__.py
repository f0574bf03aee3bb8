"""The command line: clips in, sentences and files out. Measures nothing and draws nothing itself.

What was found goes to standard output, progress and complaints to standard error. Exit status: 0 where every clip
was analysed, also where nothing reliable was found; 2 where an input, an option or a setting cannot be used (the other
clips are analysed all the same); 1 where something broke, or a model that was to explain failed (the finding is told
and written all the same); 130 after Ctrl-C.
"""

from mellm_demo.cli.explaining import EXPLANATION_CHARS
from mellm_demo.cli.options import Source
from mellm_demo.cli.places import planned_files
from mellm_demo.cli.run import main
from mellm_demo.cli.telling import BROKEN, INTERRUPTED, OK, UNUSABLE, ProgressLine

__all__ = [
    "BROKEN", "EXPLANATION_CHARS", "INTERRUPTED", "OK", "UNUSABLE", "ProgressLine", "Source", "main", "planned_files",
]  # fmt: skip
