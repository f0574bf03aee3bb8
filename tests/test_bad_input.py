"""What cannot be used is refused with a clear sentence, from the command line down; what can be used in part is used.

Each refusal: exit status 2, two sentences on standard error (what is wrong, what to do), no traceback, no folder names.
"""

from __future__ import annotations

import threading
import wave
import zipfile

import numpy as np
import pytest
from support_clips import PX, RATE, portrait, smiling, still, write_picture, write_video

from mellm_demo.cli import OK, UNUSABLE, main
from mellm_demo.errors import FaceError, InputError
from mellm_demo.export import AnalysisDocument
from mellm_demo.pipeline import analyse, reanalyse
from mellm_demo.settings import Settings

ROOM = np.full((PX, PX, 3), 120, np.uint8)  # nobody is in it


def as_zip(folder, entries):
    path = folder / "frames.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


def png(folder, name="one.png", frame=None):
    return write_picture(folder / name, portrait() if frame is None else frame).read_bytes()


def empty(folder):
    (folder / "clip.mp4").touch()
    return [folder / "clip.mp4"]


def text_as_video(folder):
    (folder / "clip.mp4").write_text("Dear diary, today I smiled. " * 200)
    return [folder / "clip.mp4"]


def sound_alone(folder):
    with wave.open(str(folder / "voice.wav"), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(16000))
    return [folder / "voice.wav"]


def one_frame(folder):
    return [write_video(folder / "clip.mp4", still(1))]


def one_picture(folder):
    return [write_picture(folder / "face.png", portrait())]


def nobody(folder):
    return [write_video(folder / "clip.mp4", [ROOM] * 6)]


def tiny_face(folder):
    frames = []
    for frame in still(6, px=110):
        wide = np.full((600, 600, 3), 120, np.uint8)
        wide[250:360, 250:360] = frame
        frames.append(wide)
    return [write_video(folder / "clip.mp4", frames)]


def too_long(folder):
    return [write_video(folder / "clip.mp4", [ROOM] * 65, rate=1)]


def too_many_pixels(folder):
    return [write_video(folder / "clip.mkv", [np.zeros((4320, 7680, 3), np.uint8)])]


def missing(folder):
    return [folder / "nowhere.mp4"]


def climbing_zip(folder):
    return [as_zip(folder, {"../../escape.png": png(folder), "b.png": png(folder)})]


def bomb(folder):
    return [as_zip(folder, {"a.png": bytes(40_000_000), "b.png": bytes(40_000_000)})]


def nested_zip(folder):
    inner = as_zip(folder, {"a.png": png(folder)}).read_bytes()
    return [as_zip(folder, {"inner.zip": inner})]


def zip_without_pictures(folder):
    return [as_zip(folder, {"notes.txt": "no pictures here"})]


def unequal_sizes(folder):
    frames = folder / "frames"
    frames.mkdir()
    write_picture(frames / "1.png", portrait(320))
    write_picture(frames / "2.png", portrait(300))
    return [frames]


def unequal_pair(folder):
    return ["--pair", write_picture(folder / "on.png", portrait(320)), write_picture(folder / "ap.png", portrait(300))]


def late_onset(folder):
    return [write_video(folder / "clip.mp4", still(6)), "--onset", "100", "--apex", "40"]


def beyond_the_end(folder):
    return [write_video(folder / "clip.mp4", still(6)), "--onset", "40", "--apex", "9000"]


def no_number(folder):
    return [write_video(folder / "clip.mp4", still(6)), "--onset", "nan", "--apex", "40"]


def no_such_face(folder):
    return [write_video(folder / "clip.mp4", still(6)), "--face", "7"]


REFUSED = {
    empty: "“clip.mp4” is empty",
    text_as_video: "“clip.mp4” is not a video that can be read",
    sound_alone: "“voice.wav” holds sound only",
    one_frame: "a single frame, and one picture shows no motion",
    one_picture: "“face.png” is a single picture, and one picture shows no motion",
    nobody: "No face was found in 6 frames",
    tiny_face: "The face is too small",
    too_long: "s long; the limit is 60 s",
    too_many_pixels: "7680 × 4320 pixels (33.2 megapixels); the limit is 8.3 megapixels",
    missing: "There is no file “nowhere.mp4”",
    climbing_zip: "a name that points outside",
    bomb: "times its packed size",
    nested_zip: "holds another archive",
    zip_without_pictures: "holds no pictures",
    unequal_sizes: "The pictures differ in size",
    unequal_pair: "The pictures differ in size",
    late_onset: "The onset (100 ms) does not come before the apex (40 ms)",
    beyond_the_end: "9000 ms lies outside the time in which the face was seen",
    no_number: "“nan” is not a time in milliseconds",
    no_such_face: "There is no face 7 in this clip",
}


@pytest.mark.parametrize(("make", "words"), REFUSED.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_what_cannot_be_used_is_refused_with_a_sentence(tmp_path, capfd, make, words):
    arguments = [str(argument) for argument in make(tmp_path)]
    status = main(["analyse", *arguments, "--json", str(tmp_path / "out.json"), "--quiet"])
    said = capfd.readouterr()
    assert words in said.err
    assert status == UNUSABLE
    assert said.out == ""
    assert "Traceback" not in said.err
    assert str(tmp_path) not in said.err
    assert not (tmp_path / "out.json").exists()


def analysed(tmp_path, capfd, *arguments: object) -> AnalysisDocument:
    out = tmp_path / "out.json"
    status = main(["analyse", *map(str, arguments), "--json", str(out), "--quiet"])
    said = capfd.readouterr()
    assert (status, said.err) == (OK, "")
    document = AnalysisDocument.model_validate_json(out.read_text(encoding="utf-8"))
    assert said.out == document.headline + "\n"
    return document


def test_a_torn_clip_is_used_up_to_the_tear(tmp_path, capfd):
    whole = write_video(tmp_path / "whole.mkv", smiling(50))
    torn = tmp_path / "torn.mkv"
    torn.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    document = analysed(tmp_path, capfd, torn)
    assert 10 < document.clip.frame_count < 50
    assert any("torn" in warning for warning in document.clip.warnings)


def test_a_face_that_is_there_for_part_of_the_time_is_measured_then(tmp_path, capfd):
    clip = write_video(tmp_path / "clip.mp4", [*[ROOM] * 8, *still(25), *[ROOM] * 8])
    document = analysed(tmp_path, capfd, clip)
    assert 23 <= document.face.frames <= 25
    assert document.quality.frames_face_lost == document.clip.frame_count - document.face.frames
    assert document.face.coverage == pytest.approx(document.face.frames / 41, abs=1e-6)


def test_of_twenty_faces_a_few_are_followed(tmp_path, capfd):
    crowd = [np.tile(frame, (4, 5, 1)) for frame in still(6, px=200)]
    document = analysed(tmp_path, capfd, write_video(tmp_path / "crowd.mp4", crowd))
    assert 1 <= document.face.faces_found <= Settings().max_faces


def test_impossible_marks_are_refused_without_the_page_too(tmp_path):
    analysis = analyse(write_video(tmp_path / "clip.mp4", still(12)), Settings())
    for onset, apex in ((200.0, 100.0), (100.0, 100.0), (float("nan"), 100.0), (0.0, float("inf")), (-500.0, 100.0)):
        with pytest.raises(InputError):
            reanalyse(analysis, onset_ms=onset, apex_ms=apex)
    with pytest.raises(InputError):
        reanalyse(analysis, candidate=99)


def test_two_at_once_share_nothing(tmp_path):
    clips = [write_video(tmp_path / "a.mp4", smiling(40)), write_video(tmp_path / "b.mp4", still(30, seed=5))]
    alone = [analyse(clip, Settings()) for clip in clips]
    together: list = [None, None]

    def work(index):
        together[index] = analyse(clips[index], Settings())

    threads = [threading.Thread(target=work, args=(index,)) for index in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for lone, joint in zip(alone, together, strict=True):
        assert joint is not None
        assert joint.headline == lone.headline
        assert joint.clip.sha256 == lone.clip.sha256
        np.testing.assert_array_equal(joint.curve.displacement_px, lone.curve.displacement_px)
        np.testing.assert_array_equal(joint.face.gray, lone.face.gray)
        assert joint.spotting.candidates == lone.spotting.candidates


def test_one_bad_clip_among_good_ones(tmp_path, capfd):
    good = write_video(tmp_path / "good.mp4", still(10))
    (tmp_path / "bad.mp4").touch()
    status = main(["analyse", str(tmp_path / "bad.mp4"), str(good), "--json", str(tmp_path / "out/"), "--quiet"])
    said = capfd.readouterr()
    assert status == UNUSABLE
    assert said.err.startswith("“bad.mp4” is empty")
    assert said.out.startswith("good.mp4: ")


def test_a_crowd_of_nobody_raises_the_same_sentence_for_programs(tmp_path):
    with pytest.raises(FaceError, match="No face was found"):
        analyse(write_video(tmp_path / "clip.mp4", [ROOM] * 3, rate=RATE), Settings())
