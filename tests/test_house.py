"""The house stays in order: who may import whom, what a module tells about itself, what the README promises."""

from __future__ import annotations

import ast
import graphlib
import hashlib
import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest
import yaml

from mellm_demo.settings import ENV_PREFIX, Settings

TOP = Path(__file__).parents[1]
PACKAGE = TOP / "mellm_demo"
MODULES = sorted(path for path in PACKAGE.rglob("*.py"))
README = TOP / "README.md"

BASE = {"", "errors", "settings", "records", "facs"}  # "" is the package itself, for its version
WORDS = {"wording", "headline"}  # sentences made from records
LEAVES = {"video", "face", "flow", "spotting", "motion_map", "magnify", "recognition"}
MEASURING = BASE | WORDS | LEAVES
REST = {"pipeline", "export"}
# Who may be imported by whom. A folder stands for all its modules.
ALLOWED: dict[str, set[str]] = {
    "": set(),
    "errors": set(),
    "settings": {"errors"},
    "records": set(),
    "facs": {"records", "facs"},
    "wording": {"errors", "records", "facs"},
    "headline": {"errors", "records", "facs", "wording"},
    **dict.fromkeys(LEAVES, BASE),
    "spotting": BASE | {"spotting"},
    "recognition": BASE | {"recognition"},
    "video": BASE | {"video"},
    "face": BASE | {"face"},
    "flow": BASE | {"flow"},
    "pipeline": MEASURING,
    "export": {"errors", "records", "facs", *WORDS, "export"},
    "reasoning": {"errors", "settings", "records", "facs", *WORDS, "motion_map", "reasoning"},
    "ui": MEASURING | REST | {"reasoning", "ui"},
    "cli": MEASURING | REST | {"reasoning", "cli"},
    "__main__": {"cli"},
    "app": {"errors", "settings", "ui"},
    "training": MEASURING | REST | {"reasoning", "training"},
}
# Libraries that only these may import, at whatever depth.
KEEPERS: dict[str, set[str]] = {
    "av": {"video", "export", "training"},
    "mediapipe": {"face"},
    "gradio": {"ui", "app"},
    "scipy": {"spotting", "flow", "training"},
    "transformers": {"reasoning", "training"},
    "bitsandbytes": {"reasoning", "training"},
    "peft": {"reasoning", "training"},
    "xllamacpp": {"reasoning", "training"},
}
# Slow to import: inside functions only, so that the page opens at once.
HEAVY = {
    "cv2",
    "av",
    "mediapipe",
    "scipy",
    "plotly",
    "PIL",
    "pandas",
    "torch",
    "transformers",
    "bitsandbytes",
    "peft",
    "xllamacpp",
    "skimage",
}
JUDGING = re.compile(r"\bassert|raises\(|expect\(|warns\(|check\b|check=True")
ANSWER = "answer_"  # one function for each intent, in each language: the module says what they have in common
MAX_FILE_BYTES = 95 * 2**20
MAX_PICTURE_BYTES = 400_000


def unit(path: Path) -> str:
    """The name under which a file stands in ALLOWED."""
    if path.parent == TOP:
        return path.stem
    inside = path.relative_to(PACKAGE)
    name = inside.parts[0] if len(inside.parts) > 1 else inside.stem
    return "" if name == "__init__" else name


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(node: ast.AST, path: Path) -> list[str]:
    """Dotted names that an import statement brings in; ``from a import b`` counts as a.b."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, f"{path.name}: relative import"
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


def all_imports(path: Path) -> list[str]:
    return [name for node in ast.walk(tree(path)) for name in imported(node, path)]


def at_module_level(path: Path) -> list[str]:
    """Imports that run when the module is imported: not in functions, not for type checkers alone."""

    def runs(nodes: list[ast.stmt]):
        for node in nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
                continue
            yield node
            for inner in ("body", "orelse", "finalbody"):
                yield from runs(getattr(node, inner, []))

    return [name for node in runs(tree(path).body) for name in imported(node, path)]


def units_of(name: str) -> str | None:
    """The unit of this house that a dotted name belongs to; None for a library."""
    parts = name.split(".")
    if parts[0] != "mellm_demo":
        return None
    exists = len(parts) > 1 and ((PACKAGE / parts[1]).is_dir() or (PACKAGE / f"{parts[1]}.py").exists())
    return parts[1] if exists else ""


def sources() -> list[Path]:
    return [*MODULES, TOP / "app.py"]


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(TOP)))
def test_imports_go_in_one_direction(path):
    name = unit(path)
    assert name in ALLOWED, f"{path.name} has no place in the plan of the house"
    wrong = [found for found in all_imports(path) if (to := units_of(found)) is not None and to not in ALLOWED[name]]
    assert not wrong
    for library, keepers in KEEPERS.items():
        if name not in keepers:
            assert library not in {found.split(".")[0] for found in all_imports(path)}


def module_of(name: str) -> Path | None:
    """The file that an imported name comes from; None for a library."""
    parts = name.split(".")
    if parts[0] != PACKAGE.name:
        return None
    for end in range(len(parts), 0, -1):
        place = TOP.joinpath(*parts[:end])
        for path in (place / "__init__.py", place.with_suffix(".py")):
            if path in MODULES:
                return path
    return None


def test_no_module_imports_itself_by_way_of_others():
    graph = {path: {found for name in all_imports(path) if (found := module_of(name))} for path in MODULES}
    assert PACKAGE / "video" / "clock.py" in graph[PACKAGE / "video" / "reader.py"]
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError, which names the modules


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(TOP)))
def test_nothing_slow_is_imported_before_it_is_needed(path):
    if unit(path) != "training":
        assert not {name.split(".")[0] for name in at_module_level(path)} & HEAVY


@pytest.mark.parametrize("entry", ["import app", "import mellm_demo.cli", "import mellm_demo.pipeline"])
def test_linear_algebra_keeps_to_one_thread(entry):
    """The variable that sees to it counts only if it is set before NumPy loads."""
    code = (
        f"{entry}; import numpy, os, threading; numpy.ones((900, 900)) @ numpy.ones((900, 900)); "
        "print(len(os.listdir('/proc/self/task')), threading.active_count())"
    )
    alone = {key: value for key, value in os.environ.items() if key != "OPENBLAS_NUM_THREADS"}
    done = subprocess.run([sys.executable, "-c", code], cwd=TOP, env=alone, capture_output=True, text=True, check=True)
    tasks, threads = map(int, done.stdout.split())
    assert tasks == threads


def test_importing_the_page_and_the_command_line_loads_nothing_slow():
    heavy = sorted(HEAVY - {"PIL", "pandas"})  # Gradio brings these two
    code = (
        f"import sys, mellm_demo.cli, mellm_demo.pipeline, mellm_demo.ui, app; print(*set({heavy}) & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=TOP, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@cache
def words_elsewhere(path: Path) -> frozenset[str]:
    """Every word in the other modules: a name among them is used, or could be."""
    others = (other.read_text(encoding="utf-8") for other in sources() if other != path)
    return frozenset(word for text in others for word in re.findall(r"\w+", text))


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(TOP)))
def test_modules_and_names_that_others_use_say_what_they_are(path):
    assert ast.get_docstring(tree(path)), "no module docstring"
    definitions = (
        node
        for node in tree(path).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_")
    )
    silent = [node.name for node in definitions if not ast.get_docstring(node) and not node.name.startswith(ANSWER)]
    assert [name for name in silent if name in words_elsewhere(path)] == []


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", *command], cwd=TOP, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("command", [("ruff", "check"), ("ruff", "format", "--check"), ("mypy",)], ids=" ".join)
def test_style_and_types(command):
    done = run(*command)
    assert done.returncode == 0, done.stdout + done.stderr


@cache
def tracked() -> tuple[Path, ...]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=TOP, capture_output=True, text=True, check=True).stdout
    return tuple(path for name in listing.split("\0") if name and (path := TOP / name).exists())


def test_no_file_is_too_large_and_none_carries_marks_of_a_machine():
    assert [path.name for path in tracked() if path.stat().st_size > MAX_FILE_BYTES] == []
    marks = re.compile("|".join(("/" + "work/", "/" + r"root/", r"\." + "library", "/" + r"home/[a-z]+/work")))
    found = []
    for path in tracked():
        data = path.read_bytes()
        if b"\0" not in data and marks.search(data.decode("utf-8", "replace")):
            found.append(path.relative_to(TOP))
    assert found == []


def test_nothing_is_left_unfinished():
    unfinished = re.compile("|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "raise NotImplemented" + "Error")))
    assert [path.name for path in sources() if unfinished.search(path.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize("path", sorted((TOP / "tests").rglob("test_*.py")), ids=lambda path: path.name)
def test_every_test_can_fail(path):
    functions = {node.name: ast.unparse(node) for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef)}
    judging = {name for name, source in functions.items() if JUDGING.search(source)}
    while more := {name for name in functions.keys() - judging if set(re.findall(r"\w+", functions[name])) & judging}:
        judging |= more
    assert [name for name in functions if name.startswith("test_") and name not in judging] == []


def requirement_lines() -> list[str]:
    lines = [
        line.split("#")[0].strip()
        for name in ("requirements.txt", "tests/requirements.txt", "tests/requirements-alone.txt")
        for line in (TOP / name).read_text().splitlines()
    ]
    return [line for line in lines if line]


@pytest.mark.parametrize("line", requirement_lines())
def test_requirements_are_pinned_and_installed(line):
    match = re.fullmatch(r"([\w.-]+)(?:\[[\w,]+\])?(==|~=)([\d.]+)", line)
    assert match, f"{line} is not pinned"
    assert importlib.metadata.version(match[1]).split(".")[0] == match[3].split(".")[0]


def test_weights_are_the_ones_their_card_names():
    folder = TOP / "weights"
    cards = "".join(path.read_text(encoding="utf-8") for path in sorted(folder.rglob("README.md")))
    prose = {".md", ".txt", ""}
    files = [path for path in tracked() if folder in path.parents and path.suffix not in prose]
    assert files
    for path in files:
        assert path.name in cards
        assert hashlib.sha256(path.read_bytes()).hexdigest() in cards, path.name


# ---------------------------------------------------------------------------------------------- the README


def front_matter() -> dict:
    return yaml.safe_load(README.read_text(encoding="utf-8").split("---\n")[1])


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_the_front_matter_makes_a_space():
    matter = front_matter()
    pinned = next(line for line in requirement_lines() if line.startswith("gradio"))
    assert matter["sdk"] == "gradio"
    assert str(matter["sdk_version"]).startswith(pinned.split("=")[1])
    assert matter["python_version"] == "3.12"
    assert (TOP / matter["app_file"]).exists()
    assert len(matter["short_description"]) <= 60  # what the Hub takes
    assert (
        matter["license"]
        == "apache-2.0"
        == tomllib.loads((TOP / "pyproject.toml").read_text())["project"]["license"].lower()
    )


def test_the_first_two_commands_start_and_test():
    start, test = blocks("bash")[:2]
    assert start.split() == ["bash", ".ci/start.sh"]
    assert test.split() == ["bash", ".ci/test.sh"]
    for script in sorted((TOP / ".ci").glob("*.sh")):
        subprocess.run(["bash", "-n", str(script)], check=True)


def test_pictures_and_links_of_the_readme_exist():
    links = re.findall(r"\]\(([^)#:]+)\)", README.read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (TOP / link).exists()] == []
    picture = TOP / next(link for link in links if link.endswith(".png"))
    assert picture.stat().st_size < MAX_PICTURE_BYTES


def test_the_tree_in_the_readme_is_the_tree_on_the_disk():
    folders: list[str] = []
    listed = set()
    layout = next(block for block in blocks("text") if "app.py" in block)
    for line in layout.splitlines():
        name = line.split()[0]
        del folders[(len(line) - len(line.lstrip())) // 2 :]
        if name.endswith("/"):
            folders.append(name)
        else:
            assert "".join(folders) + name not in listed, f"{name} stands there twice"
            listed.add("".join(folders) + name)
    modules = {str(path.relative_to(TOP)) for path in MODULES if path.name not in {"__init__.py", "__main__.py"}}
    assert {name for name in listed if name.startswith("mellm_demo/")} == modules
    assert [name for name in listed if not (TOP / name).exists()] == []


def test_every_setting_stands_in_the_readme_with_its_default():
    text = README.read_text(encoding="utf-8")
    for name, field in Settings.model_fields.items():
        row = re.search(rf"^\| `{ENV_PREFIX}{name.upper()}` \| `([^`]*)` \|", text, re.MULTILINE)
        assert row, name
        assert str(field.default) == row[1], name
    named = set(re.findall(rf"^\| `{ENV_PREFIX}(\w+)`", text, re.MULTILINE))
    assert named == {name.upper() for name in Settings.model_fields}
