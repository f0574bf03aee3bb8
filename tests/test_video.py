"""The decoder against clips whose content is known: order, time, orientation, limits, and everything that is broken."""

from __future__ import annotations

import contextlib
import gc
import hashlib
import io
import itertools
import os
import struct
import tempfile
import threading
import time
import wave
import zipfile
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as PillowImage
from support_video import HEIGHT, WIDTH, Pipe, encode, is_upright, number_of, picture, with_matrix

from mellm_demo.errors import InputError, LimitError, MellmError
from mellm_demo.records import Clip, Frame
from mellm_demo.settings import Settings
from mellm_demo.video import describe_limits, open_clip, regularity
from mellm_demo.video.clock import Clock

SETTINGS = Settings()
COUNT = 20


def read(source: object, limits: Settings = SETTINGS, **options: float) -> tuple[list[Frame], Clip]:
    with open_clip(source, limits, **options) as reader:  # type: ignore[arg-type]
        frames = list(reader)
    return frames, reader.clip


def numbers(frames: Sequence[Frame]) -> list[int]:
    return [number_of(frame.rgb) for frame in frames]


def check(frames: Sequence[Frame], clip: Clip, count: int = COUNT) -> None:
    """What holds for every clip made of ``picture(0), picture(1), …``."""
    assert numbers(frames) == list(range(count))
    assert [frame.index for frame in frames] == list(range(count))
    assert clip.frame_count == count
    assert np.array_equal(clip.times_ms, [frame.time_ms for frame in frames])
    assert clip.times_ms[0] == 0
    assert (np.diff(clip.times_ms) > 0).all()
    for frame in frames:
        assert frame.rgb.dtype == np.uint8
        assert frame.rgb.flags.c_contiguous
        assert frame.rgb.shape == (clip.height, clip.width, 3)
        assert is_upright(frame.rgb)


def pictures(count: int = COUNT, width: int = WIDTH, height: int = HEIGHT) -> list[np.ndarray]:
    return [picture(number, width, height) for number in range(count)]


@pytest.fixture(scope="module")
def mp4(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """H.264, 20 frames at 30 frames/s, the index first, a key frame every ten."""
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    encode(path, "libx264", pictures(), muxer_options={"movflags": "faststart"}, options={"g": "10"})
    return path


@pytest.fixture
def save(tmp_path: Path) -> Callable[[str, bytes], Path]:
    def write(name: str, data: bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


def test_making_clips_leaves_the_priority_of_this_process_alone(tmp_path):
    encode(tmp_path / "clip.mp4", "libsvtav1", [picture(number) for number in range(4)])
    assert {os.sched_getscheduler(int(task)) for task in os.listdir("/proc/self/task")} == {os.SCHED_OTHER}


# ---------------------------------------------------------------------------------------------- what can be read


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt", "container", "shown_codec"),
    [
        ("clip.mp4", "libx264", "yuv420p", "MP4", "H.264"),
        ("clip.mp4", "libx265", "yuv420p", "MP4", "HEVC"),
        ("clip.mp4", "libsvtav1", "yuv420p", "MP4", "AV1"),
        ("clip.mp4", "libvpx-vp9", "yuv420p", "MP4", "VP9"),
        ("clip.mp4", "mjpeg", "yuvj420p", "MP4", "MJPEG"),
        ("clip.mov", "libx264", "yuv420p", "MOV", "H.264"),
        ("clip.mov", "libx265", "yuv420p", "MOV", "HEVC"),
        ("clip.mov", "mjpeg", "yuvj420p", "MOV", "MJPEG"),
        ("clip.mov", "prores_ks", "yuv422p10le", "MOV", "ProRes"),
        ("clip.webm", "libvpx", "yuv420p", "WebM", "VP8"),
        ("clip.webm", "libvpx-vp9", "yuv420p", "WebM", "VP9"),
        ("clip.webm", "libsvtav1", "yuv420p", "WebM", "AV1"),
        ("clip.mkv", "libx264", "yuv420p", "Matroska", "H.264"),
        ("clip.mkv", "libx265", "yuv420p", "Matroska", "HEVC"),
        ("clip.mkv", "libvpx", "yuv420p", "Matroska", "VP8"),
        ("clip.mkv", "libsvtav1", "yuv420p", "Matroska", "AV1"),
        ("clip.mkv", "mjpeg", "yuvj420p", "Matroska", "MJPEG"),
        ("clip.avi", "libx264", "yuv420p", "AVI", "H.264"),
        ("clip.avi", "mpeg4", "yuv420p", "AVI", "MPEG-4 Part 2"),
        ("clip.avi", "mjpeg", "yuvj420p", "AVI", "MJPEG"),
        ("clip.gif", "gif", "rgb8", "GIF", "GIF"),
    ],
)
def test_every_container_and_codec(
    tmp_path: Path, name: str, codec: str, pix_fmt: str, container: str, shown_codec: str
) -> None:
    path = tmp_path / name
    encode(path, codec, pictures(), pix_fmt=pix_fmt)
    frames, clip = read(path)
    check(frames, clip)
    assert (clip.name, clip.kind, clip.container, clip.codec) == (name, "video", container, shown_codec)
    assert (clip.width, clip.height, clip.rotation_deg) == (WIDTH, HEIGHT, 0)
    assert clip.frame_rate == pytest.approx(30, rel=0.01)
    assert clip.interval_jitter < 0.01
    assert clip.times_ms == pytest.approx(np.arange(COUNT) * 1000 / 30, abs=10 if codec == "gif" else 1)
    assert not clip.has_sound
    assert clip.size_bytes == path.stat().st_size
    assert clip.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert clip.warnings == ()


@pytest.mark.parametrize("rate", [15, 24, Fraction(30000, 1001), 60, 120, 200, 240, 1000])
@pytest.mark.parametrize("name", ["clip.mp4", "clip.webm"])
def test_frame_rates(tmp_path: Path, name: str, rate: float) -> None:
    path = tmp_path / name
    encode(path, "libx264" if name.endswith("mp4") else "libvpx", pictures(30), rate=rate)
    frames, clip = read(path)
    check(frames, clip, 30)
    assert clip.frame_rate == pytest.approx(float(rate), rel=0.01)
    assert clip.interval_jitter < 0.01


@pytest.mark.parametrize(("width", "height"), [(97, 65), (101, 64), (96, 67), (131, 99)])
@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt"),
    [("clip.webm", "libvpx-vp9", "yuv420p"), ("clip.mp4", "libx264", "yuv444p"), ("clip.mkv", "ffv1", "yuv420p")],
)
def test_odd_sizes(tmp_path: Path, name: str, codec: str, pix_fmt: str, width: int, height: int) -> None:
    path = tmp_path / name
    encode(path, codec, pictures(5, width, height), pix_fmt=pix_fmt)
    frames, clip = read(path)
    assert [frame.rgb.shape for frame in frames] == [(height, width, 3)] * 5
    assert all(is_upright(frame.rgb) for frame in frames)
    assert (clip.width, clip.height) == (width, height)


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt"),
    [
        ("clip.mov", "libx265", "yuv420p10le"),
        ("clip.mp4", "libx264", "yuv420p10le"),
        ("clip.mkv", "libsvtav1", "yuv420p10le"),
    ],
)
def test_ten_bit(tmp_path: Path, name: str, codec: str, pix_fmt: str) -> None:
    path = tmp_path / name
    encode(path, codec, pictures(6), pix_fmt=pix_fmt)
    frames, clip = read(path)
    check(frames, clip, 6)
    assert np.abs(frames[3].rgb.astype(int) - picture(3)).mean() < 8


def test_colours_are_those_that_were_filmed(tmp_path: Path) -> None:
    path = tmp_path / "clip.mkv"
    encode(path, "ffv1", pictures(3), pix_fmt="yuv444p")
    frames, _ = read(path)
    assert np.abs(frames[1].rgb.astype(int) - picture(1)).max() <= 6


def test_hdr_is_mapped_and_said(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    hdr = "log-level=none:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc"
    encode(path, "libx265", pictures(3), pix_fmt="yuv420p10le", options={"x265-params": hdr})
    frames, clip = read(path)
    assert numbers(frames) == [0, 1, 2]
    assert any("HDR" in warning for warning in clip.warnings)


@pytest.mark.parametrize(
    ("matrix", "rotation", "stored"),
    [
        ((1, 0, 0, 1), 0, lambda rgb: rgb),
        ((0, 1, -1, 0), 90, lambda rgb: np.rot90(rgb, 1)),
        ((-1, 0, 0, -1), 180, lambda rgb: np.rot90(rgb, 2)),
        ((0, -1, 1, 0), 270, lambda rgb: np.rot90(rgb, -1)),
        ((-1, 0, 0, 1), 0, np.fliplr),
        ((0, 1, 1, 0), 270, lambda rgb: rgb.transpose(1, 0, 2)),
    ],
    ids=["upright", "90", "180", "270", "mirrored", "transposed"],
)
def test_rotation_flags_are_undone(
    tmp_path: Path,
    matrix: tuple[int, int, int, int],
    rotation: int,
    stored: Callable[[np.ndarray], np.ndarray],
) -> None:
    plain = tmp_path / "plain.mp4"
    encode(plain, "libx264", [np.ascontiguousarray(stored(rgb)) for rgb in pictures(6)])
    path = tmp_path / "clip.mp4"
    path.write_bytes(with_matrix(plain.read_bytes(), *matrix))
    frames, clip = read(path)
    check(frames, clip, 6)
    assert (clip.width, clip.height, clip.rotation_deg) == (WIDTH, HEIGHT, rotation)


@pytest.mark.parametrize(("aspect", "shape"), [(Fraction(2, 1), (64, 192, 3)), (Fraction(1, 2), (128, 96, 3))])
def test_pixels_become_square(tmp_path: Path, aspect: Fraction, shape: tuple[int, int, int]) -> None:
    path = tmp_path / "clip.mp4"
    encode(path, "libx264", pictures(4), pixel_aspect=aspect)
    frames, clip = read(path)
    assert [frame.rgb.shape for frame in frames] == [shape] * 4
    assert numbers(frames) == [0, 1, 2, 3]
    assert (clip.height, clip.width) == shape[:2]


def test_interlaced_video_is_said(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    encode(path, "libx264", pictures(6), options={"x264-params": "tff=1"})
    frames, clip = read(path)
    check(frames, clip, 6)
    assert any("interlaced" in warning for warning in clip.warnings)


def test_a_size_that_changes_within_the_clip(tmp_path: Path) -> None:
    import av

    path = tmp_path / "clip.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=30)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuvj420p"
        container.start_encoding()
        for number in range(8):
            scale = 1 if number < 5 else 2
            encoder = av.CodecContext.create("mjpeg", "w")
            encoder.width, encoder.height, encoder.pix_fmt = WIDTH * scale, HEIGHT * scale, "yuvj420p"
            encoder.time_base = Fraction(1, 30)
            rgb = picture(number).repeat(scale, axis=0).repeat(scale, axis=1)
            for packet in encoder.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format="yuvj420p")):
                packet.pts = packet.dts = number
                packet.time_base = Fraction(1, 30)
                packet.stream = stream
                container.mux(packet)
    frames, clip = read(path)
    check(frames, clip, 8)
    assert clip.warnings == ("The picture size changes within the clip; all frames were scaled to the first one's.",)


def test_transparency_is_constant(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    layers = []
    for number in range(4):
        rgba = np.dstack([picture(number), np.full((HEIGHT, WIDTH), 255, np.uint8)])
        rgba[50:60, 30:60, :3] = rng.integers(0, 255, (10, 30, 3))  # what lies behind is noise
        rgba[50:60, 30:60, 3] = 0
        layers.append(rgba)
    path = tmp_path / "clip.mov"
    encode(path, "qtrle", layers, pix_fmt="argb")
    frames, _ = read(path)
    assert numbers(frames) == [0, 1, 2, 3]
    assert all((frame.rgb[50:60, 30:60] == 128).all() for frame in frames)


@pytest.mark.parametrize(("name", "codec"), [("clip.mp4", "libx264"), ("clip.mov", "libx265"), ("clip.webm", "libvpx")])
def test_sound_is_noticed_and_left_alone(tmp_path: Path, name: str, codec: str) -> None:
    path = tmp_path / name
    encode(path, codec, pictures(), sound=True, muxer="webm" if name.endswith("webm") else None)
    frames, clip = read(path)
    check(frames, clip)
    assert clip.has_sound


def test_repeated_frames_are_counted(tmp_path: Path) -> None:
    doubled = [picture(number // 2) for number in range(12)]
    path = tmp_path / "clip.mkv"
    encode(path, "ffv1", doubled)
    frames, clip = read(path)
    assert numbers(frames) == [number // 2 for number in range(12)]
    assert clip.repeated_frames == 6


def test_one_differing_pixel_is_no_repetition(tmp_path: Path) -> None:
    almost = [picture(0), picture(0)]
    almost[1][37, 41] += 9
    for number, rgb in enumerate(almost):
        PillowImage.fromarray(rgb).save(tmp_path / f"{number}.png")
    _, clip = read(tmp_path, frame_rate=30)
    assert clip.repeated_frames == 0


# ---------------------------------------------------------------------------------------------- time


@pytest.mark.parametrize(
    ("name", "codec"), [("clip.mp4", "libx264"), ("clip.mkv", "libx265"), ("clip.webm", "libvpx-vp9")]
)
def test_variable_frame_rate_keeps_every_time(tmp_path: Path, name: str, codec: str) -> None:
    steps = [33, 34, 100, 12, 33, 250, 33, 8, 41, 33, 33, 500, 17]
    times = np.concatenate([[0], np.cumsum(steps)])
    path = tmp_path / name
    encode(path, codec, pictures(len(times)), pts_ms=[int(t) for t in times])
    frames, clip = read(path)
    check(frames, clip, len(times))
    assert clip.times_ms == pytest.approx(times, abs=0.01)
    assert clip.interval_jitter > 0.2


def test_live_webm_without_duration(tmp_path: Path) -> None:
    pipe = Pipe()
    encode(pipe, "libvpx", pictures(), muxer="webm", muxer_options={"live": "1"}, pts_ms=[33 * n for n in range(COUNT)])
    path = tmp_path / "recording.webm"
    path.write_bytes(pipe.data)
    frames, clip = read(path)
    check(frames, clip)
    assert clip.warnings == ()


def _with_webm_duration(data: bytes, milliseconds: float) -> bytes:
    at = data.index(b"\x44\x89\x88") + 3
    return data[:at] + struct.pack(">d", milliseconds) + data[at + 8 :]


def test_a_lying_duration_does_not_refuse_a_short_clip(tmp_path: Path) -> None:
    plain = tmp_path / "plain.webm"
    encode(plain, "libvpx", pictures())
    path = tmp_path / "clip.webm"
    path.write_bytes(_with_webm_duration(plain.read_bytes(), 4 * 3600 * 1000.0))
    frames, clip = read(path)
    check(frames, clip)
    assert clip.duration_ms < 1000


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.ts"])
def test_a_late_first_timestamp_is_time_zero(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    encode(path, "libx264", pictures(), pts_ms=[5000 + 40 * n for n in range(COUNT)])
    frames, clip = read(path)
    check(frames, clip)
    assert clip.times_ms == pytest.approx(40 * np.arange(COUNT), abs=0.02)


def test_a_negative_first_timestamp_is_time_zero(tmp_path: Path) -> None:
    path = tmp_path / "clip.mov"
    encode(
        path,
        "libx264",
        pictures(),
        pts_ms=[40 * n - 200 for n in range(COUNT)],
        options={"bf": "0"},
        muxer_options={"avoid_negative_ts": "disabled", "use_editlist": "0"},
    )
    frames, clip = read(path)
    check(frames, clip)
    assert clip.times_ms == pytest.approx(40 * np.arange(COUNT), abs=0.02)


def test_the_clock_leaves_good_times_alone() -> None:
    clock = Clock(33.0, 60_000)
    assert [clock.place(t) for t in (-40.0, -7.0, 0.0, 900.0, 901.0)] == [0, 33, 40, 940, 941]
    assert clock.repaired == 0


@pytest.mark.parametrize(
    ("raw", "placed", "repaired"),
    [
        ([None, None, None], [0, 10, 20], 3),
        ([0, 10, None, 30], [0, 10, 20, 30], 1),
        ([None, 50, 60], [0, 10, 20], 1),
        ([0, 10, 10, 20], [0, 10, 15, 20], 1),  # a doubled time
        ([0, 10, 5, 20, 30], [0, 10, 15, 20, 30], 1),  # one stray value
        ([7, 7, 7, 7, 7, 7], [0, 5, 15, 25, 35, 45], 5),  # no time at all
        ([500, 510, 0, 10, 25], [0, 10, 20, 30, 45], 1),  # starts anew
        ([0, 10, float("nan"), 30, float("inf"), 50], [0, 10, 20, 30, 40, 50], 2),
        ([0, 10, 9e15, 30, 40], [0, 10, 20, 30, 40], 1),  # far beyond any clip
        ([0, 10, -9e15, 30, 40], [0, 10, 20, 30, 40], 1),
    ],
)
def test_the_clock_repairs_broken_times(raw: list[float | None], placed: list[float], repaired: int) -> None:
    clock = Clock(10.0, 60_000)
    assert [clock.place(t) for t in raw] == placed
    assert clock.repaired == repaired


@given(st.lists(st.none() | st.floats(), max_size=40), st.floats(0.1, 1000))
def test_the_clock_always_rises(raw: list[float | None], step: float) -> None:
    clock = Clock(step, 60_000)
    placed = [clock.place(t) for t in raw]
    assert placed[:1] in ([], [0.0])
    assert all(np.isfinite(placed))
    assert all(b > a for a, b in itertools.pairwise(placed))


def test_an_mp4_whose_times_stand_still(tmp_path: Path, mp4: Path) -> None:
    path = tmp_path / "clip.mp4"
    encode(path, "libx264", pictures(), options={"bf": "0"})
    data = bytearray(path.read_bytes())
    at = data.index(b"stts") + 8  # ISO/IEC 14496-12 8.6.1.2: entries, then (count, duration) each
    assert int.from_bytes(data[at : at + 4], "big") == 1
    data[at + 8 : at + 12] = bytes(4)
    path.write_bytes(data)
    frames, clip = read(path, frame_rate=50)
    check(frames, clip)
    assert clip.times_ms[2:] - clip.times_ms[1] == pytest.approx(20.0 * np.arange(1, COUNT - 1))
    assert any("did not rise" in warning and "rebuilt" in warning for warning in clip.warnings)


def test_a_frame_rate_does_not_overrule_timestamps(mp4: Path) -> None:
    frames, clip = read(mp4, frame_rate=200)
    check(frames, clip)
    assert clip.frame_rate == pytest.approx(30)


def test_raw_h264_in_avi_has_no_usable_times_but_a_right_order(tmp_path: Path) -> None:
    path = tmp_path / "clip.avi"
    encode(path, "libx264", pictures(40), options={"bf": "3", "b_strategy": "0"}, rate=25)
    frames, clip = read(path)
    check(frames, clip, 40)
    assert clip.times_ms == pytest.approx(40.0 * np.arange(40))
    assert clip.warnings == ()


@given(
    st.floats(1, 1000), st.integers(3, 200), st.sampled_from([0.0, 1.0]), st.integers(0, 2**32 - 1), st.floats(0, 0.2)
)
def test_regularity_of_a_steady_clip(rate: float, count: int, tick: float, seed: int, dropped: float) -> None:
    period = 1000 / rate
    if tick and period < 3 * tick:
        return
    exact = np.arange(count) * period
    times = np.round(exact / tick) * tick if tick else exact
    found, jitter = regularity(times, tick)
    assert found == pytest.approx(rate, rel=1e-6 if not tick else 1.2 / (count - 1) / period + 1e-3)
    assert jitter == 0
    keep = np.random.default_rng(seed).random(count) >= dropped
    keep[:2] = True
    if not keep.all() and keep.sum() > count / 2 and count > 20:
        assert regularity(times[keep], tick)[1] > 0 or keep.argmin() >= keep.sum()


# ---------------------------------------------------------------------------------------------- frames and pairs


def _write_frames(folder: Path, count: int = 12, suffix: str = "png", **options: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        PillowImage.fromarray(picture(number)).save(folder / f"img{number}.{suffix}", **options)


def _zip_of(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def _png(number: int, width: int = WIDTH, height: int = HEIGHT) -> bytes:
    buffer = io.BytesIO()
    PillowImage.fromarray(picture(number, width, height)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("suffix", "codec", "options"),
    [
        ("png", "PNG", {}),
        ("jpg", "JPEG", {"quality": 95}),
        ("bmp", "BMP", {}),
        ("tif", "TIFF", {}),
        ("webp", "WEBP", {"lossless": True}),
    ],
)
def test_folders_of_frames_in_natural_order(
    tmp_path: Path, suffix: str, codec: str, options: dict[str, object]
) -> None:
    folder = tmp_path / "s01"
    _write_frames(folder, suffix=suffix, **options)
    (folder / ".hidden.png").write_bytes(b"no picture")
    (folder / "Thumbs.db").write_bytes(b"no picture")
    frames, clip = read(folder, frame_rate=200)
    check(frames, clip, 12)
    assert (clip.name, clip.kind, clip.container, clip.codec) == ("s01", "frames", "folder", codec)
    assert clip.frame_rate == pytest.approx(200)
    assert clip.times_ms == pytest.approx(5.0 * np.arange(12))
    assert clip.warnings == ()
    assert clip.size_bytes == sum(file.stat().st_size for file in folder.glob(f"img*.{suffix}"))


def test_zip_of_frames(tmp_path: Path) -> None:
    members = {f"clip/img{n}.png": _png(n) for n in (10, 2, 0, 1, 3, 4, 5, 6, 7, 8, 9)}
    members |= {f"__MACOSX/clip/._img{n}.png": b"rubbish" for n in range(11)} | {"clip/.DS_Store": b"rubbish"}
    path = _zip_of(tmp_path / "s01.zip", members)
    frames, clip = read(path, frame_rate=100)
    check(frames, clip, 11)
    assert (clip.name, clip.kind, clip.container, clip.codec) == ("s01.zip", "frames", "ZIP", "PNG")
    assert clip.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert clip.size_bytes == path.stat().st_size
    assert clip.warnings == ()


def test_zip_made_on_windows(tmp_path: Path) -> None:
    path = _zip_of(tmp_path / "s01.zip", {f"clip\\img{n}.png": _png(n) for n in range(3)})
    frames, clip = read(path, frame_rate=100)
    check(frames, clip, 3)


def test_the_rate_of_frames_is_assumed_aloud(tmp_path: Path) -> None:
    _write_frames(tmp_path, 3)
    _, clip = read(tmp_path, Settings(default_frame_rate=50))
    assert clip.frame_rate == pytest.approx(50)
    assert clip.warnings == ("No frame rate was given; 50 frames/s was assumed, and all times follow from it.",)


def test_frames_in_the_only_subfolder(tmp_path: Path) -> None:
    _write_frames(tmp_path / "upload" / "inner", 3)
    (tmp_path / "upload" / "notes.txt").write_text("onset 3")
    frames, clip = read(tmp_path / "upload", frame_rate=30)
    check(frames, clip, 3)
    assert clip.warnings == ("1 other file was ignored.",)


def test_a_list_of_frames_is_sorted(tmp_path: Path) -> None:
    _write_frames(tmp_path, 12)
    paths = sorted(str(path) for path in tmp_path.glob("*.png"))
    frames, clip = read(paths, frame_rate=30)
    check(frames, clip, 12)
    assert clip.name == "img0.png … img11.png"


def test_the_checksum_of_a_folder_follows_names_and_contents(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        _write_frames(tmp_path / name, 3)
    (tmp_path / "b" / "img2.png").rename(tmp_path / "b" / "img3.png")
    (tmp_path / "c" / "img1.png").write_bytes(_png(7))
    sums = [read(tmp_path / name, frame_rate=30)[1].sha256 for name in ("a", "a", "b", "c")]
    assert sums[0] == sums[1]
    assert len(set(sums)) == 3


def test_onset_and_apex(tmp_path: Path) -> None:
    _write_frames(tmp_path, 6)
    frames, clip = read([tmp_path / "img5.png", tmp_path / "img2.png"], frame_rate=25)
    assert numbers(frames) == [5, 2]
    assert (clip.kind, clip.name, clip.container) == ("pair", "img5.png + img2.png", "image pair")
    assert clip.times_ms.tolist() == [0, 40]
    assert clip.warnings == ()
    _, clip = read([tmp_path / "img5.png", tmp_path / "img2.png"])
    assert "33 ms was assumed" in clip.warnings[0]


@pytest.mark.parametrize(
    "convert",
    [
        lambda rgb: PillowImage.fromarray((rgb[..., 1].astype(np.uint16)) * 257),
        lambda rgb: PillowImage.fromarray(rgb[..., 1]),
        lambda rgb: PillowImage.fromarray(rgb[..., 1].astype(np.int32) * 257),
    ],
    ids=["16 bit", "8 bit", "32 bit container"],
)
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_gray_frames(tmp_path: Path, convert: Callable[[np.ndarray], PillowImage.Image], suffix: str) -> None:
    made = [convert(picture(number)) for number in range(3)]
    if made[0].mode == "I" and suffix == "png":
        made = [image.convert("I;16") for image in made]
    for number, image in enumerate(made):
        image.save(tmp_path / f"{number}.{suffix}")
    frames, _ = read(tmp_path, frame_rate=30)
    for number, frame in enumerate(frames):
        assert np.abs(frame.rgb.astype(int) - picture(number)[..., 1:2]).max() <= 1


def test_sixteen_bit_colour_png(tmp_path: Path) -> None:
    import cv2

    for number in range(3):
        deep = picture(number)[..., ::-1].astype(np.uint16) * 257
        assert cv2.imwrite(str(tmp_path / f"{number}.png"), deep)
        assert cv2.imwrite(str(tmp_path / f"{number}.tif"), deep)
    for suffix in ("png", "tif"):
        frames, _ = read(sorted(tmp_path.glob(f"*.{suffix}")), frame_rate=30)
        for number, frame in enumerate(frames):
            assert np.abs(frame.rgb.astype(int) - picture(number)).max() <= 1


@pytest.mark.parametrize("mode", ["P", "CMYK", "RGBA", "L", "1"])
def test_other_colour_modes(tmp_path: Path, mode: str) -> None:
    for number in range(3):
        image = PillowImage.fromarray(picture(number)).convert(mode)
        image.save(tmp_path / f"{number}.{'tif' if mode == 'CMYK' else 'png'}")
    frames, _ = read(tmp_path, frame_rate=30)
    assert numbers(frames) == [0, 1, 2]


def test_transparent_pictures_show_gray(tmp_path: Path) -> None:
    for number in range(2):
        rgba = np.dstack([picture(number), np.full((HEIGHT, WIDTH), 255, np.uint8)])
        rgba[:10, :10, 3] = 0
        PillowImage.fromarray(rgba).save(tmp_path / f"{number}.png")
    frames, _ = read(tmp_path, frame_rate=30)
    assert all((frame.rgb[:10, :10] == 128).all() for frame in frames)


@pytest.mark.parametrize(("orientation", "turns"), [(1, 0), (6, 1), (3, 2), (8, -1)])
def test_exif_orientation(tmp_path: Path, orientation: int, turns: int) -> None:
    for number in range(3):
        image = PillowImage.fromarray(np.ascontiguousarray(np.rot90(picture(number), turns)))
        exif = PillowImage.Exif()
        exif[0x0112] = orientation
        image.save(tmp_path / f"{number}.jpg", quality=95, exif=exif)
    frames, clip = read(tmp_path, frame_rate=30)
    check(frames, clip, 3)


# ---------------------------------------------------------------------------------------------- limits


def test_the_limits_in_a_sentence() -> None:
    assert describe_limits(SETTINGS) == "Up to 200 MB, 60 s, 3600 frames and 8.3 megapixels a frame."


def test_a_large_file_is_refused(mp4: Path) -> None:
    with pytest.raises(LimitError, match=r"The input takes 0\.0 MB; the limit is 0\.001 MB"):
        read(mp4, Settings(max_upload_mb=0.001))


def test_too_many_frames_are_refused_while_reading(mp4: Path) -> None:
    taken: list[Frame] = []
    with (
        pytest.raises(LimitError, match="more than 12 frames"),
        open_clip(mp4, Settings(max_frames=12)) as reader,
    ):
        taken.extend(reader)
    assert numbers(taken) == list(range(12))


def test_exactly_the_limit_is_allowed(mp4: Path) -> None:
    frames, _ = read(mp4, Settings(max_frames=COUNT, max_seconds=0.634, max_pixels=WIDTH * HEIGHT))
    assert len(frames) == COUNT


def test_far_too_many_frames_are_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    encode(path, "libx264", pictures(120))
    with pytest.raises(LimitError, match=r"The clip has 120 frames or more; the limit is 10\."):
        open_clip(path, Settings(max_frames=10))


def test_too_long_is_refused_while_reading(mp4: Path) -> None:
    with (
        pytest.raises(LimitError, match=r"The clip is 0\.6 s long; the limit is 0\.6 s"),
        open_clip(mp4, Settings(max_seconds=0.6)) as reader,
    ):
        list(reader)


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.webm"])
def test_four_hours_are_refused_before_a_frame_is_decoded(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    codec = "libvpx" if name.endswith("webm") else "libx264"
    encode(path, codec, pictures(48), pts_ms=[300_000 * n for n in range(48)])
    with pytest.raises(LimitError, match=r"The clip is 14,\d00\.\d s long; the limit is 60 s"):
        open_clip(path, SETTINGS)


def test_8k_is_refused_before_a_frame_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    encode(path, "mjpeg", [np.zeros((4320, 7680, 3), np.uint8)], pix_fmt="yuvj420p")
    with pytest.raises(LimitError, match=r"7680 × 4320 pixels \(33\.2 megapixels\); the limit is 8\.3 megapixels"):
        open_clip(path, SETTINGS)


def test_square_pixels_count_for_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    encode(path, "libx264", pictures(4), pixel_aspect=Fraction(2, 1))
    with pytest.raises(LimitError, match="192 × 64 pixels"):
        read(path, Settings(max_pixels=WIDTH * HEIGHT))


def test_a_gif_that_claims_an_absurd_canvas(save: Callable[[str, bytes], Path]) -> None:
    canvas = b"GIF89a" + struct.pack("<HH", 65535, 65535) + b"\x80\0\0" + bytes(6)
    image = b"\x2c" + struct.pack("<HHHH", 0, 0, 65535, 65535) + b"\0\x02\x02\x4c\x01\0;"
    with pytest.raises(InputError):
        read(save("bomb.gif", canvas + image))


def test_pictures_have_limits_too(tmp_path: Path) -> None:
    _write_frames(tmp_path, 12)
    with pytest.raises(LimitError, match="There are 12 frames; the limit is 10"):
        read(tmp_path, Settings(max_frames=10), frame_rate=30)
    with pytest.raises(LimitError, match=r"The clip is 11\.0 s long; the limit is 10 s"):
        read(tmp_path, Settings(max_seconds=10), frame_rate=1)
    with pytest.raises(LimitError, match="96 × 64 pixels"):
        read(tmp_path, Settings(max_pixels=5000), frame_rate=30)
    with pytest.raises(LimitError, match=r"the limit is 0\.001 MB"):
        read(tmp_path, Settings(max_upload_mb=0.001), frame_rate=30)


@pytest.mark.parametrize("rate", [0, -5, float("nan"), float("inf"), 1e9])
def test_a_frame_rate_must_make_sense(tmp_path: Path, rate: float) -> None:
    _write_frames(tmp_path, 3)
    with pytest.raises(InputError, match="frames/s does not make sense"):
        open_clip(tmp_path, SETTINGS, frame_rate=rate)


# ---------------------------------------------------------------------------------------------- bad input


def test_missing_empty_and_renamed_files(tmp_path: Path, save: Callable[[str, bytes], Path]) -> None:
    with pytest.raises(InputError, match=r"There is no file “gone.mp4”"):
        read(tmp_path / "gone.mp4")
    with pytest.raises(InputError, match=r"“nothing\.mp4” is empty \(0 bytes\)"):
        read(save("nothing.mp4", b""))
    with pytest.raises(InputError, match=r"“text\.mp4” is not a video that can be read\. Give an mp4"):
        read(save("text.mp4", b"Dear reader, this is not a film.\n" * 50))
    with pytest.raises(InputError, match="No file was given"):
        read([])
    with pytest.raises(InputError, match="single picture"):
        read(save("face.png", _png(0)))


def test_messages_show_no_folders(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path / "private folder" / "gone.mp4")
    assert str(tmp_path) not in str(caught.value)
    assert "private" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile '{}'\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    ],
    ids=["HLS", "concat", "SDP"],
)
@pytest.mark.parametrize("name", ["list.mp4", "list.m3u8"])
def test_a_playlist_opens_nothing_else(mp4: Path, tmp_path: Path, text: str, name: str) -> None:
    path = tmp_path / name
    path.write_text(text.format(mp4))
    with pytest.raises(InputError, match="is not a video that can be read"):
        read(path)


def test_sound_only(tmp_path: Path) -> None:
    path = tmp_path / "voice.wav"
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(16000))
    with pytest.raises(InputError, match=r"“voice.wav” holds sound only"):
        read(path)
    (tmp_path / "voice.mp4").write_bytes(path.read_bytes())
    with pytest.raises(InputError, match=r"“voice.mp4” holds sound only"):
        read(tmp_path / "voice.mp4")


def test_one_frame(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    encode(path, "libx264", pictures(1))
    with pytest.raises(InputError, match="single frame"):
        read(path)


def test_zero_frames(tmp_path: Path, save: Callable[[str, bytes], Path]) -> None:
    with pytest.raises(InputError, match="holds no frame"):
        read(save("empty.gif", b"GIF89a" + struct.pack("<HH", WIDTH, HEIGHT) + b"\x80\0\0" + bytes(6) + b";"))
    plain = tmp_path / "plain.mkv"
    encode(plain, "ffv1", pictures(2))
    data = plain.read_bytes()
    before_the_first_cluster = data[: data.index(b"\x1f\x43\xb6\x75")]
    with pytest.raises(InputError, match=r"“clip\.mkv” is torn so early that no frame is left"):
        read(save("clip.mkv", before_the_first_cluster))


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt"),
    [
        ("clip.mp4", "libx264", "yuv420p"),
        ("clip.mp4", "libx265", "yuv420p"),
        ("clip.mkv", "libx264", "yuv420p"),
        ("clip.webm", "libvpx", "yuv420p"),
        ("clip.webm", "libvpx-vp9", "yuv420p"),
        ("clip.mkv", "libsvtav1", "yuv420p"),
        ("clip.avi", "mjpeg", "yuvj420p"),
        ("clip.avi", "libx264", "yuv420p"),
        ("clip.gif", "gif", "rgb8"),
    ],
)
@pytest.mark.parametrize("whole", [13, 47])
def test_a_torn_file_keeps_the_frames_before_the_tear(
    tmp_path: Path, name: str, codec: str, pix_fmt: str, whole: int
) -> None:
    source = tmp_path / f"whole-{name}"
    faststart = {"movflags": "faststart"} if name.endswith("mp4") else {}
    encode(source, codec, pictures(60), pix_fmt=pix_fmt, muxer_options=faststart)
    position, size = _packets_of(source)[whole]
    path = tmp_path / name
    path.write_bytes(source.read_bytes()[: position + size // 2])
    frames, clip = read(path)
    kept = len(frames)
    reordering = 4 if codec in ("libx264", "libx265") else 0  # frames that wait for a lost one are lost with it
    assert whole - reordering <= kept <= whole
    check(frames, clip, kept)
    seconds = (clip.times_ms[-1] + 1000 / clip.frame_rate) / 1000
    assert clip.warnings == (f"The file is torn after {seconds:.2f} s; the {kept} frames before that were kept.",)


def _packets_of(path: Path) -> list[tuple[int, int]]:
    """Position and size in the file of every video packet, as they are stored."""
    import av

    with av.open(str(path)) as container:
        return [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]


def test_a_torn_file_without_its_index(tmp_path: Path) -> None:
    whole = tmp_path / "whole.mp4"
    encode(whole, "libx264", pictures())
    path = tmp_path / "clip.mp4"
    path.write_bytes(whole.read_bytes()[:-600])
    with pytest.raises(InputError, match=r"“clip\.mp4” is torn .* or its index at the end is missing"):
        read(path)


def test_damage_in_the_middle_is_left_out_up_to_the_next_key_frame(tmp_path: Path) -> None:
    whole = tmp_path / "whole.mp4"
    encode(whole, "libx264", pictures(40), options={"g": "10", "bf": "0", "sc_threshold": "0"})
    data = bytearray(whole.read_bytes())
    position, size = _packets_of(whole)[14]
    data[position + 8 : position + size] = bytes(255 for _ in range(size - 8))
    path = tmp_path / "clip.mp4"
    path.write_bytes(data)
    frames, clip = read(path)
    found = numbers(frames)
    assert found == [number for number in range(40) if not 14 <= number < 20]
    assert clip.times_ms == pytest.approx([number * 1000 / 30 for number in found], abs=0.1)
    assert clip.warnings == ("The video is damaged; 6 frames could not be decoded and were left out.",)


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        ({"../a.png": b"", "b.png": b""}, "points outside of it"),
        ({"/etc/a.png": b"", "b.png": b""}, "points outside of it"),
        ({"x/../../a.png": b"", "b.png": b""}, "points outside of it"),
        ({"C:\\a.png": b"", "b.png": b""}, "points outside of it"),
        ({"..\\a.png": b"", "b.png": b""}, "points outside of it"),
        ({"a.png": b"", "more.zip": b"PK"}, "holds another archive"),
        ({"a.txt": b"hello", "b.csv": b"1,2"}, "The archive holds no pictures"),
        ({}, "The archive holds no pictures"),
        ({"film.mp4": b"x"}, r"a video \(“film.mp4”\) and no frames\. Upload the video itself"),
        ({"a.mp4": b"x", "b.mov": b"x"}, "2 videos and no frames"),
        ({"a.png": _png(0)}, "holds 1 picture; at least two"),
        ({"a.png": _png(0), "b.png": b"not a picture"}, "“b.png” is not a readable picture"),
        ({"a.png": _png(0), "b.png": _png(1)[:200]}, "“b.png” is not a readable picture"),
        ({"a.png": _png(0), "b.png": _png(1, 120, 80)}, "“b.png” has 120 × 80 pixels, the ones before it 96 × 64"),
        ({"p/a.png": _png(0), "q/b.png": _png(1)}, "pictures in several folders"),
    ],
)
def test_wrong_archives(tmp_path: Path, members: dict[str, bytes], sentence: str) -> None:
    path = _zip_of(tmp_path / "frames.zip", members)
    with pytest.raises(InputError, match=sentence):
        read(path, frame_rate=30)


def test_a_zip_with_many_entries(tmp_path: Path) -> None:
    limits = Settings(max_frames=10)
    path = _zip_of(tmp_path / "frames.zip", {f"{n}.txt": b"" for n in range(1021)}, zipfile.ZIP_STORED)
    with pytest.raises(LimitError, match="The archive has 1021 entries; the limit is 1020"):
        read(path, limits)
    path = _zip_of(tmp_path / "more.zip", {f"{'n' * 200}{n}.txt": b"" for n in range(5000)}, zipfile.ZIP_STORED)
    with pytest.raises(LimitError, match="table of contents is too large"):
        read(path, limits)


def test_a_zip_bomb_by_ratio(tmp_path: Path) -> None:
    path = _zip_of(tmp_path / "frames.zip", {"a.png": _png(0), "b.png": bytes(12_000_000)})
    with pytest.raises(LimitError, match=r"“b.png” unpacks to more than 200 times its packed size"):
        read(path, frame_rate=30)


def test_a_zip_bomb_by_the_size_of_one(tmp_path: Path) -> None:
    path = _zip_of(tmp_path / "frames.zip", {"a.png": _png(0), "b.png": bytes(6_000_000)})
    with pytest.raises(LimitError, match=r"“b\.png” is larger than 4 MB"):
        read(path, Settings(max_pixels=WIDTH * HEIGHT), frame_rate=30)


def test_a_zip_bomb_by_the_total(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    PillowImage.fromarray(np.zeros((300, 300, 3), np.uint8)).save(buffer, "BMP")
    path = _zip_of(tmp_path / "frames.zip", {f"{n}.bmp": buffer.getvalue() for n in range(20)})
    limits = Settings(max_upload_mb=0.1)
    assert path.stat().st_size < 100_000
    with pytest.raises(LimitError, match=r"The pictures take more than 2 MB"):
        read(path, limits, frame_rate=30)


def test_a_zip_whose_header_lies_about_the_size(tmp_path: Path) -> None:
    path = _zip_of(tmp_path / "frames.zip", {"a.png": _png(0), "b.png": bytes(12_000_000)})
    data = path.read_bytes()
    path.write_bytes(data.replace(struct.pack("<L", 12_000_000), struct.pack("<L", 1000)))
    with pytest.raises(InputError, match=r"“b.png”"):
        read(path, frame_rate=30)


def test_an_encrypted_zip(tmp_path: Path) -> None:
    path = _zip_of(tmp_path / "frames.zip", {"a.png": _png(0), "b.png": _png(1)})
    data = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = -1
        while (at := data.find(mark, at + 1)) >= 0:
            data[at + offset] |= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match="encrypted"):
        read(path, frame_rate=30)


def test_a_zip_packed_unusually_torn_or_renamed(tmp_path: Path, save: Callable[[str, bytes], Path]) -> None:
    path = _zip_of(tmp_path / "frames.zip", {"a.png": _png(0), "b.png": _png(1)}, zipfile.ZIP_LZMA)
    with pytest.raises(InputError, match="unusual method"):
        read(path, frame_rate=30)
    path = _zip_of(tmp_path / "frames.zip", {"a.png": _png(0), "b.png": _png(1)})
    with pytest.raises(InputError, match="not a whole zip archive"):
        read(save("torn.zip", path.read_bytes()[:-40]), frame_rate=30)
    with pytest.raises(InputError, match="not a whole zip archive"):
        read(save("text.zip", b"hello"), frame_rate=30)


def test_wrong_folders_and_lists(tmp_path: Path, mp4: Path) -> None:
    with pytest.raises(InputError, match="The folder holds no pictures"):
        read(tmp_path)
    (tmp_path / "film.mp4").write_bytes(b"x")
    with pytest.raises(InputError, match="Upload the video itself"):
        read(tmp_path)
    with pytest.raises(InputError, match=r"“clip.mp4” is not a picture, and several files are taken as pictures"):
        read([mp4, mp4])


def test_a_pair_of_different_sizes(save: Callable[[str, bytes], Path]) -> None:
    pair = [save("onset.png", _png(0)), save("apex.png", _png(1, 100, 64))]
    with pytest.raises(InputError, match=r"“apex.png” has 100 × 64 pixels"):
        read(pair, frame_rate=30)


# ---------------------------------------------------------------------------------------------- the reader itself


def _decoders() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "decoder"]


def _open_files() -> set[str]:
    names = set()
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            names.add(os.readlink(entry))
    return names


needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files are listed on Linux only")


@needs_proc
@pytest.mark.parametrize("taken", [0, 1, 3, COUNT])
def test_closing_early_stops_the_thread_and_releases_the_file(mp4: Path, taken: int) -> None:
    with open_clip(mp4, SETTINGS) as reader:
        for _ in range(taken):
            next(reader)
        assert reader.expected_frames == COUNT
    assert not _decoders()
    assert str(mp4) not in _open_files()
    assert list(reader) == []
    with pytest.raises(RuntimeError):
        _ = reader.clip


@needs_proc
def test_zip_files_are_released(tmp_path: Path) -> None:
    path = _zip_of(tmp_path / "frames.zip", {f"{n}.png": _png(n) for n in range(12)})
    for taken in (0, 1, 5):
        with open_clip(path, SETTINGS, frame_rate=30) as reader:
            for _ in range(taken):
                next(reader)
        assert str(path) not in _open_files()
    read(path, frame_rate=30)
    assert str(path) not in _open_files()
    (tmp_path / "bad.zip").write_bytes(_zip_of(tmp_path / "x.zip", {"a.txt": b""}).read_bytes())
    with pytest.raises(InputError) as _caught:
        read(tmp_path / "bad.zip")
    assert str(tmp_path / "bad.zip") not in _open_files()


@needs_proc
def test_files_are_released_when_reading_fails(mp4: Path) -> None:
    with pytest.raises(LimitError) as _caught, open_clip(mp4, Settings(max_frames=3)) as reader:
        list(reader)
    assert str(mp4) not in _open_files()
    assert not _decoders()


def test_a_forgotten_reader_stops_by_itself(mp4: Path) -> None:
    reader = open_clip(mp4, SETTINGS)
    next(reader)
    del reader
    gc.collect()
    for thread in _decoders():
        thread.join(5)
    assert not _decoders()


def test_a_reader_closed_by_another_thread_ends(mp4: Path) -> None:
    reader = open_clip(mp4, SETTINGS)
    next(reader)
    closer = threading.Thread(target=lambda: (time.sleep(0.05), reader.close()))
    closer.start()
    for _ in reader:
        time.sleep(0.01)
    closer.join(5)
    assert not closer.is_alive()


def test_two_readers_of_one_file_do_not_meet(mp4: Path) -> None:
    with open_clip(mp4, SETTINGS) as first, open_clip(mp4, SETTINGS) as second:
        for a, b in zip(first, second, strict=True):
            assert a.index == b.index
            assert np.array_equal(a.rgb, b.rgb)
    assert first.clip.sha256 == second.clip.sha256


def test_nothing_is_printed_and_nothing_is_left_on_the_disk(
    mp4: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    workplace = tmp_path / "temp"
    workplace.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(workplace))
    monkeypatch.chdir(workplace)
    torn = tmp_path / "torn.mp4"
    torn.write_bytes(mp4.read_bytes()[:-300])
    archive = _zip_of(tmp_path / "frames.zip", {f"{n}.png": _png(n) for n in range(12)})
    for source in (mp4, torn, archive):
        read(source, frame_rate=30)
    with pytest.raises(InputError):
        read([archive, mp4])
    assert capfd.readouterr() == ("", "")
    assert list(workplace.iterdir()) == []


# ---------------------------------------------------------------------------------------------- anything at all


def _check_orderly(path: Path) -> None:
    """Either an error meant for people, or strictly rising times."""
    complaint, frames, clip = "", [], None
    try:
        frames, clip = read(path, Settings(max_seconds=5, max_frames=200, max_pixels=1_000_000), frame_rate=30)
    except MellmError as error:
        complaint = str(error)
    if clip is None:
        assert complaint.count(".") >= 2  # what is wrong, what to do
        return
    assert clip.frame_count == len(frames) >= 2
    assert clip.times_ms[0] == 0
    assert (np.diff(clip.times_ms) > 0).all()
    assert len({frame.rgb.shape for frame in frames}) == 1


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("bases")
    small = pictures(8)
    encode(folder / "a.mp4", "libx264", small, sound=True, muxer_options={"movflags": "faststart"})
    encode(folder / "b.mov", "libx265", small)
    encode(folder / "a.webm", "libvpx", small)
    encode(folder / "b.webm", "libvpx-vp9", small)
    encode(folder / "a.avi", "mjpeg", small, pix_fmt="yuvj420p")
    encode(folder / "a.gif", "gif", small, pix_fmt="rgb8")
    encode(folder / "a.mkv", "libsvtav1", small)
    _zip_of(folder / "a.zip", {f"{n}.png": _png(n) for n in range(4)})
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scratch")


FUZZ = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
HEADS = [b"", b"\0\0\0\x20ftypisom", b"\x1aE\xdf\xa3", b"RIFF\xff\0\0\0AVI LIST", b"GIF89a", b"PK\x03\x04", b"\x47"]


@FUZZ
@given(head=st.sampled_from(HEADS), rest=st.binary(max_size=600), suffix=st.sampled_from(["mp4", "webm", "zip", "gif"]))
def test_arbitrary_bytes(scratch: Path, head: bytes, rest: bytes, suffix: str) -> None:
    path = scratch / f"x.{suffix}"
    path.write_bytes(head + rest)
    _check_orderly(path)


@FUZZ
@given(data=st.data())
def test_arbitrary_truncation_and_corruption(bases: dict[str, bytes], scratch: Path, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(bases)))
    content = bytearray(bases[name])
    for at, value in data.draw(st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=12)):
        content[int(at * len(content))] = value
    keep = data.draw(st.floats(0.05, 1) | st.just(1.0))
    path = scratch / name
    path.write_bytes(content[: max(1, int(keep * len(content)))])
    _check_orderly(path)


# ---------------------------------------------------------------------------------------------- real clips


def _real_clips() -> list[Path]:
    data = os.environ.get("MELLM_DATA")
    folder = Path(data) / "videos" if data else None
    return sorted(folder.iterdir()) if folder is not None and folder.is_dir() else []


@pytest.mark.skipif(not _real_clips(), reason="needs MELLM_DATA/videos")
def test_real_clips() -> None:
    for path in _real_clips():
        if path.suffix not in (".mp4", ".mov"):
            continue
        with open_clip(path, SETTINGS) as reader:
            count = 0
            for frame in reader:
                assert frame.rgb.shape[2] == 3
                count += 1
        clip = reader.clip
        assert clip.frame_count == count == reader.expected_frames
        assert (np.diff(clip.times_ms) > 0).all()
        assert 20 < clip.frame_rate < 65
        assert clip.warnings == ()
