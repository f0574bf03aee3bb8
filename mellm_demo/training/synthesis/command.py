"""The command: what is asked for on the command line → a clip and its truth."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from mellm_demo.errors import MellmError
from mellm_demo.records import BothSides
from mellm_demo.training.synthesis.clips import portrait, read_picture, write_clip, write_truth
from mellm_demo.training.synthesis.fields import ACTION_UNITS
from mellm_demo.training.synthesis.scene import Scene
from mellm_demo.training.synthesis.spec import Background, Blink, ClipSpec, Event, Head, Movement

PURPOSE = "A still face → a clip whose motion is known exactly."


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mellm_demo.training.synthesis", description=PURPOSE)
    face = parser.add_mutually_exclusive_group(required=True)
    face.add_argument("--face", type=Path, metavar="IMG", help="a picture of one face")
    face.add_argument("--portrait", choices=["astronaut"], help="scikit-image's picture instead")
    parser.add_argument("--out", type=Path, required=True, help="the clip; truth goes beside it as .json and .npz")
    parser.add_argument("--no-truth", action="store_true", help="the clip alone")
    parser.add_argument("--au", type=int, nargs="*", default=[], help=f"of {', '.join(map(str, ACTION_UNITS))}")
    parser.add_argument("--weights", type=float, nargs="*", default=[], help="one for each --au; 1 where not given")
    parser.add_argument("--side", choices=get_args(BothSides), default="both", help="the subject's")
    parser.add_argument("--amplitude", type=float, default=1.5, help="px of the 256 px crop, strongest region")
    parser.add_argument("--onset", type=float, default=700.0, help="ms")
    parser.add_argument("--rise", type=float, default=150.0, help="ms from onset to apex")
    parser.add_argument("--hold", type=float, default=0.0, help="ms at the apex")
    parser.add_argument("--fall", type=float, default=230.0, help="ms back to rest")
    parser.add_argument("--blink", type=float, nargs="*", default=[], metavar="MS", help="blinks start here")
    parser.add_argument("--fps", type=float, default=60.0)
    parser.add_argument("--seconds", type=float, default=2.5)
    parser.add_argument("--size", type=int, default=480, help="side of the square frame, px")
    parser.add_argument("--eye-distance", type=float, default=150.0, help="outer eye corners, px of the frame")
    parser.add_argument("--drift", type=float, default=0.0, help="head drift, px of the crop")
    parser.add_argument("--roll", type=float, default=0.0, help="degrees")
    parser.add_argument("--yaw", type=float, default=0.0, help="degrees")
    parser.add_argument("--pitch", type=float, default=0.0, help="degrees")
    parser.add_argument("--zoom", type=float, default=0.0, help="share, as 0.01")
    parser.add_argument("--background", choices=get_args(Background), default="with the head")
    parser.add_argument("--lighting", type=float, default=0.0, help="share, as 0.05")
    parser.add_argument("--noise", type=float, default=1.5, help="gray levels at middle gray")
    parser.add_argument("--crf", type=int, default=18)
    parser.add_argument("--bit-rate", type=int, help="bit/s instead of --crf")
    parser.add_argument("--lossless", action="store_true", help="FFV1; use .mkv")
    parser.add_argument("--seed", type=int, default=0)
    return parser


def _spec(arguments: argparse.Namespace) -> ClipSpec:
    weights = [*arguments.weights, *[1.0] * len(arguments.au)]
    movements = tuple(Movement(au, arguments.side, weight) for au, weight in zip(arguments.au, weights, strict=False))
    apex = arguments.onset + arguments.rise
    event = Event(
        arguments.onset, apex, apex + arguments.hold + arguments.fall, movements, arguments.amplitude, arguments.hold
    )
    return ClipSpec(
        fps=arguments.fps,
        seconds=arguments.seconds,
        width=arguments.size,
        height=arguments.size,
        eye_distance_px=arguments.eye_distance,
        events=(event,) if movements else (),
        blinks=tuple(Blink(start) for start in arguments.blink),
        head=Head(arguments.drift, arguments.roll, arguments.zoom, arguments.yaw, arguments.pitch),
        background=arguments.background,
        lighting=arguments.lighting,
        noise=arguments.noise,
        seed=arguments.seed,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status 0, or 2 with a sentence where something given cannot be used."""
    parser = _arguments()
    arguments = parser.parse_args(argv)
    try:
        face = portrait() if arguments.portrait else read_picture(arguments.face)
        scene = Scene(face, _spec(arguments))
        write_clip(
            arguments.out,
            scene.frames(),
            arguments.fps,
            crf=arguments.crf,
            bit_rate=arguments.bit_rate,
            lossless=arguments.lossless,
        )
        if not arguments.no_truth:
            write_truth(arguments.out, scene)
    except MellmError as error:
        parser.exit(2, f"{error}\n")
    return 0
