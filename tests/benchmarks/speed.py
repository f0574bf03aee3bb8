"""A whole analysis against decoding and landmarking alone, in one run; and its peak memory.

    .venv/bin/python tests/benchmarks/speed.py [--repeat 3] [--seconds 10] [--memory]

Two clips are made of a portrait that drifts a little: 512 px at 30 frames/s, 1080p at 60 frames/s. For each, three
things are timed in turn, every one in a fresh process, imports left out: decoding and MediaPipe's landmarks alone, the
same with the pose and blendshapes that an analysis needs, and the whole analysis. Prints the medians and the ratios;
the processor's time too, since it says more where the machine has other work.
``--memory`` also analyses a 60 s clip of 1080p at 60 frames/s and prints the peak resident memory.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import numpy as np

TOP = Path(__file__).parents[2]
sys.path[:0] = [str(TOP), str(TOP / "tests")]

ALLOWED_RATIO = 1.35
ALLOWED_MEMORY_GB = 1.5
LONG_SECONDS = 60
DRIFT_PX = 0.006  # of the picture's height: a sitter's sway
DRIFT_HZ = 0.4
NOISE = 1.0  # grey levels
CLIPS = {"512 px, 30 frames/s": (512, 512, 30), "1080p, 60 frames/s": (1920, 1080, 60)}
WAYS = {
    "landmarks": "decoding and landmarks alone",
    "landmarks_pose": "… with pose and blendshapes",
    "analysis": "whole analysis",
}


def make_clip(path: Path, width: int, height: int, rate: int, seconds: float) -> None:
    """A portrait that sways, in H.264, with a little sensor noise."""
    import av
    import cv2
    from support_clips import portrait

    face = cv2.resize(portrait(), (height, height), interpolation=cv2.INTER_CUBIC)
    random = np.random.default_rng(1)
    grain = [random.normal(0, NOISE, (height, height, 1)).round().astype(np.int16) for _ in range(8)]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(rate), options={"crf": "23", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        picture = np.full((height, width, 3), 120, np.uint8)
        left = (width - height) // 2
        for index in range(round(rate * seconds)):
            sway = DRIFT_PX * height * np.sin(2 * np.pi * DRIFT_HZ * index / rate)
            moved = cv2.warpAffine(face, np.float32([[1, 0, sway], [0, 1, sway / 3]]), (height, height), borderMode=1)
            picture[:, left : left + height] = np.clip(moved + grain[index % len(grain)], 0, 255)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode())


def landmarks_alone(path: Path, *, pose: bool) -> int:
    """Decode every frame and find its landmarks; the number of frames."""
    import av
    import mediapipe as mp
    from mediapipe.tasks import python as tasks
    from mediapipe.tasks.python import vision

    options = vision.FaceLandmarkerOptions(
        base_options=tasks.BaseOptions(model_asset_path=str(TOP / "weights" / "face_landmarker.task")),
        running_mode=vision.RunningMode.VIDEO,
        output_face_blendshapes=pose,
        output_facial_transformation_matrixes=pose,
    )
    frames = 0
    with vision.FaceLandmarker.create_from_options(options) as landmarker, av.open(str(path)) as container:
        container.streams.video[0].thread_type = "AUTO"
        for frame in container.decode(video=0):
            image = mp.Image(image_format=mp.ImageFormat.SRGB, data=frame.to_ndarray(format="rgb24"))
            landmarker.detect_for_video(image, round(1000 * frame.time))
            frames += 1
    return frames


def whole_analysis(path: Path) -> int:
    """Everything that the page shows; the number of frames."""
    from mellm_demo.pipeline import analyse
    from mellm_demo.settings import Settings

    return analyse(path, Settings()).clip.frame_count


def child(way: str, path: Path) -> None:
    """One timed run, told to the parent as JSON. Libraries are loaded before the clock starts."""
    import av  # noqa: F401
    import cv2  # noqa: F401
    import scipy.ndimage
    import scipy.signal  # noqa: F401
    from mediapipe.tasks.python import vision  # noqa: F401

    import mellm_demo.pipeline  # noqa: F401

    started, busy = time.perf_counter(), time.process_time()
    frames = whole_analysis(path) if way == "analysis" else landmarks_alone(path, pose=way == "landmarks_pose")
    report = {
        "seconds": time.perf_counter() - started,
        "processor": time.process_time() - busy,
        "frames": frames,
        "gigabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9,
    }
    print(json.dumps(report))


def run(way: str, path: Path) -> dict[str, float]:
    """The child's report. Raises RuntimeError with what it complained about."""
    command = [sys.executable, __file__, "--child", way, str(path)]
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return json.loads(done.stdout.splitlines()[-1])


def compare(path: Path, repeat: int) -> None:
    """Time all ways in turn and print them."""
    reports: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    for _ in range(repeat):
        for way in WAYS:
            reports[way].append(run(way, path))
    seconds, processor = (
        {way: statistics.median(report[clock] for report in found) for way, found in reports.items()}
        for clock in ("seconds", "processor")
    )
    frames = reports["analysis"][0]["frames"]
    for way, words in WAYS.items():
        peak = max(report["gigabytes"] for report in reports[way])
        print(
            f"  {words:<30} {seconds[way]:6.2f} s  {frames / seconds[way]:6.1f} frames/s  "
            f"processor {processor[way]:6.2f} s  {peak:5.2f} GB"
        )
    for way in ("landmarks", "landmarks_pose"):
        ratio, work = (clock["analysis"] / clock[way] for clock in (seconds, processor))
        print(f"  whole / {WAYS[way]:<28} {ratio:6.2f}  (aim: {ALLOWED_RATIO} at most)  processor {work:5.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10.0, help="length of the clips that are timed")
    parser.add_argument("--memory", action="store_true", help="also the peak memory of a 60 s 1080p clip")
    parser.add_argument("--child", nargs=2, metavar=("WAY", "CLIP"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.child[0], Path(arguments.child[1]))
        return
    print(
        f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, {arguments.repeat} rounds"
    )
    with tempfile.TemporaryDirectory() as folder:
        for name, (width, height, rate) in CLIPS.items():
            clip = Path(folder) / f"{height}.mp4"
            make_clip(clip, width, height, rate, arguments.seconds)
            print(f"{name}, {arguments.seconds:g} s ({clip.stat().st_size / 1e6:.1f} MB)")
            compare(clip, arguments.repeat)
        if arguments.memory:
            clip = Path(folder) / "long.mp4"
            make_clip(clip, 1920, 1080, 60, LONG_SECONDS)
            report = run("analysis", clip)
            megabytes = clip.stat().st_size / 1e6
            print(f"1080p, 60 frames/s, {LONG_SECONDS} s ({megabytes:.0f} MB, {report['frames']:.0f} frames)")
            print(f"  whole analysis  {report['seconds']:.1f} s, processor {report['processor']:.1f} s")
            print(f"  peak memory     {report['gigabytes']:.2f} GB  (aim: {ALLOWED_MEMORY_GB} at most)")


if __name__ == "__main__":
    main()
