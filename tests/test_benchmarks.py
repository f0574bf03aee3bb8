"""The benchmarks that need a machine that tests do not come to their end where they can be tried out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from support_gguf import smollm2

BENCHMARKS = Path(__file__).parent / "benchmarks"


def test_the_benchmark_of_a_large_model_runs_through(tmp_path):
    """Two narrow layers on whatever there is: loaded, asked, stopped, asked by two at once."""
    smollm2()
    command = [sys.executable, str(BENCHMARKS / "seven_billion.py"), "--tiny", "--precisions", "bfloat16"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    numbers = json.loads(done.stdout)
    measured = numbers["bfloat16"]
    assert measured["precision"] == "bfloat16"
    assert measured["image_tokens"] > 200
    assert measured["explanation"]["tokens_per_second"] > 0
    assert len(measured["two_visitors"]["visitors"]) == 2
    assert measured["stop_while_the_prompt_is_read"]["words_before"] == 0
    assert set(numbers["targets"]) == {"memory_mb_nf4", "first_word_s", "tokens_per_second", "stop_s"}
