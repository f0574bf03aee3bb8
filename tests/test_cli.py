"""The command line: what it prints, writes and returns. The analysis itself is stood in for; nothing is decoded."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import pty
import signal
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from support_analysis import make_analysis
from support_reasoner import SCRIPTED_CARD, ScriptedReasoner
from support_server import faulty_server

from mellm_demo.cli import (
    BROKEN,
    EXPLANATION_CHARS,
    INTERRUPTED,
    OK,
    UNUSABLE,
    ProgressLine,
    Source,
    main,
    planned_files,
)
from mellm_demo.errors import FaceError, InputError, ReasonerError
from mellm_demo.export import AnalysisDocument, json_schema
from mellm_demo.reasoning.choice import Speakers
from mellm_demo.reasoning.narrator import Narrator
from mellm_demo.reasoning.protocol import Loading

TOP = Path(__file__).parents[1]
UNREADABLE = "The file is empty. Choose another clip."


class Analyst:
    """Stands in for pipeline.analyse; remembers what it was asked."""

    def __init__(self):
        self.calls: list[tuple[object, dict]] = []

    def __call__(self, source, settings, *, progress, **options):
        self.calls.append((source, options))
        name = Path(source if isinstance(source, str) else source[0]).name
        for stage in ("reading", "measuring motion"):
            progress(stage, 0.5)
        if name.startswith("empty"):
            raise InputError(UNREADABLE)
        if name.startswith("faceless"):
            raise FaceError("No face was found. Choose a clip that shows one.")
        if name.startswith("bug"):
            raise ValueError("shapes do not fit")
        if name.startswith("stop"):
            raise KeyboardInterrupt
        return make_analysis("nothing" if name.startswith("still") else "smile", name=name)


@pytest.fixture
def analyst():
    return Analyst()


def read(path) -> dict:
    return json.loads(Path(path).read_text(encoding="utf-8"))


def test_one_clip_says_the_finding_and_writes_everything(analyst, tmp_path, capsys):
    arguments = ["analyse", "a/smile.mp4", "--json", str(tmp_path / "new" / "out.json")]
    arguments += ["--csv", str(tmp_path / "out.csv"), "--pictures", str(tmp_path / "out.zip")]
    assert main(arguments, analyse=analyst) == OK
    said = capsys.readouterr()
    assert said.out == make_analysis("smile").headline + "\n"
    assert said.err.splitlines() == ["smile.mp4: reading", "smile.mp4: measuring motion"]
    document = AnalysisDocument.model_validate(read(tmp_path / "new" / "out.json"))
    assert document.reliable
    assert document.conversation == []
    assert len(list(csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text())))) == document.clip.frame_count
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert {"onset.png", "apex.png", "motion_map.png", "colour_wheel.png", "README.txt"} <= set(archive.namelist())
    assert analyst.calls == [("a/smile.mp4", {"frame_rate": None, "face": None, "onset_ms": None, "apex_ms": None})]


def test_nothing_reliable_is_a_result(analyst, tmp_path, capsys):
    out = tmp_path / "out.json"
    assert main(["analyse", "still.mp4", "--json", str(out)], analyse=analyst) == OK
    assert read(out)["reliable"] is False
    assert make_analysis("nothing").headline in capsys.readouterr().out


def test_options_reach_the_analysis(analyst):
    arguments = [
        "--frame-rate",
        "200",
        "--onset",
        "100",
        "--apex",
        "180.5",
        "--face",
        "2",
        "--pair",
        "on.png",
        "ap.png",
    ]
    assert main(["analyse", "f.zip", *arguments, "g.zip", "--quiet"], analyse=analyst) == OK
    options = {"frame_rate": 200.0, "face": 2, "onset_ms": 100.0, "apex_ms": 180.5}
    assert analyst.calls == [(source, options) for source in ("f.zip", "g.zip", ("on.png", "ap.png"))]


def test_several_clips_fill_a_folder_and_a_bad_one_stops_no_other(analyst, tmp_path, capsys):
    clips = ["a/smile.mp4", "empty.mp4", "b/smile.mov", "still.mp4", "faceless.mp4"]
    assert main(["analyse", *clips, "--json", str(tmp_path / "out"), "--quiet"], analyse=analyst) == UNUSABLE
    names = {path.name: read(path)["clip"]["name"] for path in (tmp_path / "out").iterdir()}
    assert names == {"smile.json": "smile.mp4", "smile-2.json": "smile.mov", "still.json": "still.mp4"}
    said = capsys.readouterr()
    assert [line.split(": ")[0] for line in said.out.splitlines()] == ["smile.mp4", "smile.mov", "still.mp4"]
    assert said.err.splitlines() == [
        f"empty.mp4: {UNREADABLE}",
        "faceless.mp4: No face was found. Choose a clip that shows one.",
    ]


def test_several_clips_into_one_json_make_a_list(analyst, tmp_path):
    out = tmp_path / "all.json"
    assert main(["analyse", "smile.mp4", "empty.mp4", "still.mp4", "--json", str(out)], analyse=analyst) == UNUSABLE
    assert [item["clip"]["name"] for item in read(out)] == ["smile.mp4", "still.mp4"]


@pytest.mark.parametrize("clips", [["smile.mp4"], ["smile.mp4", "still.mp4"]])
def test_json_to_standard_output_is_nothing_but_json(analyst, capsys, clips):
    assert main(["analyse", *clips, "--json", "-", "--quiet"], analyse=analyst) == OK
    said = capsys.readouterr()
    plain = json.loads(said.out)
    documents = plain if len(clips) > 1 else [plain]
    assert [document["clip"]["name"] for document in documents] == clips
    assert make_analysis("smile").headline in said.err


def test_csv_to_standard_output(analyst, capsys):
    assert main(["analyse", "smile.mp4", "--csv", "-", "--quiet"], analyse=analyst) == OK
    assert capsys.readouterr().out.startswith("time_ms,frame,")


def test_explanation_is_printed_and_kept(analyst, tmp_path, capsys):
    out = tmp_path / "out.json"
    assert main(["analyse", "smile.mp4", "--speaker", "narrator", "--json", str(out)], analyse=analyst) == OK
    document = read(out)
    (turn,) = document["conversation"]
    assert turn["role"] == "assistant"
    said = capsys.readouterr().out
    assert turn["text"] in said
    assert "AU12" in turn["text"]
    assert document["reasoner"]["is_language_model"] is False
    assert document["reasoner"]["notice"] in said


MODEL = replace(SCRIPTED_CARD, name="A model", is_language_model=True)


def spoken(*pieces, endless: bool = False, card=MODEL) -> Speakers:
    return Speakers({"gguf": ScriptedReasoner(card=card).enqueue(*pieces, endless=endless), "narrator": Narrator()})


def explained(analyst, speakers, *more: str) -> int:
    return main(["analyse", "smile.mp4", "--explain", *more], analyse=analyst, speakers=lambda _: speakers)


def test_whoever_the_settings_choose_explains_and_is_checked(analyst, tmp_path, capsys):
    out = tmp_path / "out.json"
    speakers = spoken(Loading("loading the model", 0.4), "AU12 ", "and AU4 are shown.")
    assert explained(analyst, speakers, "--json", str(out)) == OK
    said = capsys.readouterr()
    assert said.err.splitlines()[-1] == "smile.mp4: loading the model"
    last = f"(A model: {MODEL.notice}; 2 statements checked, 1 not supported by the measurements)"
    assert said.out.splitlines() == [make_analysis("smile").headline, "", "AU12 and AU4 are shown.", "", last]
    (turn,) = read(out)["conversation"]
    assert (turn["speaker"], len(turn["statements"])) == ("A model", 2)
    assert read(out)["reasoner"]["name"] == "A model"


def test_a_model_cannot_steer_the_terminal(analyst, tmp_path, capsys):
    out = tmp_path / "out.json"
    speakers = spoken("\x1b]0;owned\x07 AU12 \x1b[2J", "\u202eis\u202c 👩", "\u200d🔬 shown.\n\tWell.\u200b\ufeff")
    assert explained(analyst, speakers, "--json", str(out)) == OK
    said = "]0;owned AU12 [2Jis 👩\u200d🔬 shown.\n\tWell."
    assert f"\n{said}\n\n(A model" in capsys.readouterr().out
    (turn,) = read(out)["conversation"]
    assert turn["text"] == said
    assert [turn["text"][one["start"] : one["end"]] for one in turn["statements"]] == ["AU12"]


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (ReasonerError("The server is away. Try later."), "The server is away. Try later."),
        (ValueError("bad shape"), "(ValueError: bad shape)"),
    ],
)
def test_a_model_that_fails_leaves_the_finding(analyst, tmp_path, capsys, failure, words):
    out = tmp_path / "out.json"
    assert explained(analyst, spoken("AU12 is", failure), "--json", str(out)) == BROKEN
    said = capsys.readouterr()
    assert said.out.startswith(make_analysis("smile").headline)
    assert "smile.mp4: the explanation could not be written to its end. " in said.err
    assert words in said.err
    assert [(turn["text"], turn["ended"]) for turn in read(out)["conversation"]] == [("AU12 is", "failed")]
    assert explained(analyst, spoken(failure)) == BROKEN
    assert "could not be written. " in capsys.readouterr().err
    assert explained(analyst, spoken(" ")) == BROKEN
    assert "No text came." in capsys.readouterr().err


def test_a_model_that_never_ends_is_cut_off_and_told_to_stop(analyst, tmp_path):
    speakers, out = spoken("word " * 500, endless=True), tmp_path / "out.json"
    assert explained(analyst, speakers, "--json", str(out)) == OK
    (turn,) = read(out)["conversation"]
    assert turn["ended"] == "length"
    assert len(turn["text"]) <= EXPLANATION_CHARS + 2500


def test_ctrl_c_stops_the_model(analyst, monkeypatch, capsys):
    told = []

    class Interrupted(ScriptedReasoner):
        def reply(self, analysis, turns, cancel):
            told.append(cancel)
            yield "AU12"
            raise KeyboardInterrupt

    assert explained(analyst, Speakers({"gguf": Interrupted(card=MODEL)})) == INTERRUPTED
    assert told[0].is_set()
    assert capsys.readouterr().err.endswith("Stopped.\n")


def test_another_speaker_can_be_named(analyst, capsys, monkeypatch):
    asked = []

    def who(settings):
        asked.append(settings.speaker)
        return spoken("AU12.")

    assert main(["analyse", "smile.mp4", "--speaker", "gguf"], analyse=analyst, speakers=who) == OK
    assert asked == ["gguf"]
    calls = len(analyst.calls)
    monkeypatch.delenv("MELLM_GGUF_MODEL", raising=False)
    assert main(["analyse", "smile.mp4", "--speaker", "gguf"], analyse=analyst) == UNUSABLE
    assert "no such model is named" in capsys.readouterr().err
    assert len(analyst.calls) == calls


def test_a_prompt_file_reaches_the_model(analyst, tmp_path, capsys, monkeypatch):
    prompt = tmp_path / "prompt.txt"
    prompt.write_text("看图说话。", encoding="utf-8")
    with faulty_server() as server:
        monkeypatch.setenv("MELLM_REMOTE_BASE_URL", server.url)
        monkeypatch.setenv("MELLM_REMOTE_MODEL", "well")
        assert main(["analyse", "smile.mp4", "--prompt-file", str(prompt)], analyse=analyst) == OK
        (message,) = server.asked[0]["messages"]  # in the shape of MELLM's own weights
        assert message["content"][1]["text"].startswith("看图说话。")
        assert "Both mouth corners rose" in capsys.readouterr().out
        calls = len(analyst.calls)
        for more, words in (
            (["--prompt-file", str(tmp_path / "none.txt")], "“none.txt” cannot be read"),
            (["--prompt-file", str(prompt), "--speaker", "narrator"], "narrator is to speak, who takes none"),
        ):
            assert main(["analyse", "smile.mp4", *more], analyse=analyst) == UNUSABLE
            assert words in capsys.readouterr().err
        monkeypatch.setenv("MELLM_PROMPT_STYLE", "plain")
        assert main(["analyse", "smile.mp4", "--prompt-file", str(prompt)], analyse=analyst) == UNUSABLE
        assert "Set the style to auto or mellm_v1" in capsys.readouterr().err
        monkeypatch.delenv("MELLM_REMOTE_BASE_URL")
        monkeypatch.delenv("MELLM_REMOTE_MODEL")
        assert main(["analyse", "smile.mp4", "--prompt-file", str(prompt)], analyse=analyst) == UNUSABLE
        assert "but none is named" in capsys.readouterr().err
        assert len(analyst.calls) == calls
        assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "No clip was named"),
        (["a.mp4", "--onset", "5"], "--onset was given without --apex"),
        (["a.mp4", "--apex", "5"], "--apex was given without --onset"),
        (["a.mp4", "--onset", "900", "--apex", "500"], "(900 ms) does not come before the apex (500 ms)"),
        (["a.mp4", "--onset", "nan", "--apex", "500"], "“nan” is not a time in milliseconds"),
        (["a.mp4", "--onset", "-1", "--apex", "500"], "“-1” is not a time in milliseconds"),
        (["a.mp4", "--onset", "soon", "--apex", "inf"], "“soon” is not a time in milliseconds"),
        (["a.mp4", "--frame-rate", "0"], "“0” is not a frame rate"),
        (["a.mp4", "--face", "0"], "“0” is not a face's number"),
        (["a.mp4", "--face", "1.5"], "“1.5” is not a face's number"),
        (["a.mp4", "b.mp4", "--csv", "x.csv"], "--csv names the file x.csv, but there are 2 clips"),
        (["a.mp4", "b.mp4", "--pictures", "x.zip"], "--pictures names the file x.zip, but there are 2 clips"),
        (["a.mp4", "b.mp4", "--csv", "-"], "cannot go to standard output"),
        (["a.mp4", "--pictures", "-"], "cannot go to standard output"),
        (["a.mp4", "--json", "-", "--csv", "-"], "cannot share standard output"),
        (["a.mp4", "--json", "a.mp4"], "a.mp4 is a clip to be analysed and would be overwritten"),
        (["a.mp4", "--json", "x", "--csv", "x"], "Two results would go into the file x"),
        (["a.mp4", "--loud", "b.mp4"], "unrecognized arguments: --loud"),
    ],
)
def test_options_that_do_not_fit_are_refused_before_any_work(analyst, capsys, monkeypatch, tmp_path, arguments, words):
    monkeypatch.chdir(tmp_path)
    assert main(["analyse", *arguments], analyse=analyst) == UNUSABLE
    said = capsys.readouterr()
    assert words in said.err
    assert "Traceback" not in said.err
    assert said.out == ""
    assert analyst.calls == []
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named_without_its_folders(analyst, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["analyse", "a.mp4", "--json", str(tmp_path / "file" / "out.json")], analyse=analyst) == UNUSABLE
    said = capsys.readouterr().err
    assert "cannot be written" in said
    assert str(tmp_path) not in said


def test_a_wrong_setting_is_named(analyst, capsys, monkeypatch):
    monkeypatch.setenv("MELLM_MAX_SECONDS", "soon")
    assert main(["analyse", "a.mp4"], analyse=analyst) == UNUSABLE
    assert "“max_seconds” cannot be 'soon'" in capsys.readouterr().err


def test_a_fault_of_the_program_shows_no_traceback(analyst, capsys):
    assert main(["analyse", "bug.mp4", "smile.mp4", "--quiet"], analyse=analyst) == BROKEN
    said = capsys.readouterr()
    assert "bug.mp4: something unexpected stopped the analysis (ValueError: shapes do not fit)" in said.err
    assert "Traceback" not in said.err
    assert said.out.startswith("smile.mp4: ")


def test_stopping_keeps_what_is_finished(analyst, tmp_path, capsys):
    out = tmp_path / "all.json"
    clips = ["smile.mp4", "stop.mp4", "still.mp4"]
    assert main(["analyse", *clips, "--json", str(out)], analyse=analyst) == INTERRUPTED
    assert [item["clip"]["name"] for item in read(out)] == ["smile.mp4"]
    assert capsys.readouterr().err.endswith("Stopped.\n")


def test_ctrl_c_ends_in_a_word():
    clip = str(TOP / "assets" / "synthetic_smile.mp4")
    command = [sys.executable, "-m", "mellm_demo", "analyse", clip, clip, clip]

    def hear_it() -> None:  # a shell starts what runs in the background deaf to Ctrl-C, and its children inherit that
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    with subprocess.Popen(
        command, cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=hear_it
    ) as process:
        assert process.stderr is not None
        while "finding the face" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == INTERRUPTED
        assert process.stderr.read().splitlines()[-1] == "Stopped."


def test_schema_is_printed(capsys):
    assert main(["schema"]) == OK
    assert json.loads(capsys.readouterr().out) == json_schema()


@pytest.mark.parametrize("arguments", [[], ["dance"]])
def test_an_unknown_or_missing_command_is_bad_usage(arguments, capsys):
    assert main(arguments) == UNUSABLE
    assert "usage: python -m mellm_demo" in capsys.readouterr().err


def test_the_module_runs_and_help_names_the_options():
    done = subprocess.run(
        [sys.executable, "-m", "mellm_demo", "analyse", "--help"], cwd=TOP, capture_output=True, text=True, check=True
    )
    for option in ("--json", "--csv", "--pictures", "--onset", "--apex", "--frame-rate", "--face", "--pair"):
        assert option in done.stdout


def all_written_to(terminal: int) -> str:
    """A terminal hands out what was written in pieces, as it likes, and fails when there is nothing more to come."""
    pieces = []
    with contextlib.suppress(OSError):
        while piece := os.read(terminal, 4096):
            pieces.append(piece)
    os.close(terminal)
    return b"".join(pieces).decode()


def test_progress_on_a_terminal_stays_on_one_line():
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as terminal:
        line = ProgressLine(terminal, "clip.mp4", quiet=False)
        line("reading", 0.0)
        line("measuring motion", 0.456)
        line.clear()
    shown = all_written_to(ours)
    assert "clip.mp4: reading 0%" in shown
    assert "clip.mp4: measuring motion 46%" in shown
    assert "\n" not in shown
    assert shown.endswith("\r\x1b[K")


@pytest.mark.parametrize(
    ("out", "clips", "expected"),
    [
        ("out", ["a.mp4"], ["out"]),
        ("out.json", ["a.mp4"], ["out.json"]),
        ("out/", ["a.mp4"], ["out/a.json"]),
        ("there", ["a.mp4"], ["there/a.json"]),
        ("out", ["a.mp4", "b.mov"], ["out/a.json", "out/b.json"]),
        ("run.1/", ["a.mp4", "b.mov"], ["run.1/a.json", "run.1/b.json"]),
        ("out", ["a.mp4", "x/a.mp4", "a-2.mp4"], ["out/a.json", "out/a-2.json", "out/a-2-2.json"]),
        ("out", ["there", ("on.png", "ap.png")], ["out/there.json", "out/on-ap.json"]),
    ],
)
def test_where_results_go(monkeypatch, tmp_path, out, clips, expected):
    monkeypatch.chdir(tmp_path)
    Path("there").mkdir()
    files = planned_files("json", out, [Source(clip) for clip in clips], ".json")
    assert files == tuple(map(Path, expected))
