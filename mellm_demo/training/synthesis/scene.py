"""One face in motion: any frame of a clip, and what is true of it.

A pixel of a frame is followed back to its place in the still picture, so what moves all the rest is undone first: the
head, then the expression, then the lids.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

import numpy as np

from mellm_demo.records import Float32Array, FloatArray, Image
from mellm_demo.training.synthesis.displacement import Displacement, displacement_of, flow_of, region_means
from mellm_demo.training.synthesis.geometry import sampled, through
from mellm_demo.training.synthesis.head import Shake, depths_of, head_mask_of
from mellm_demo.training.synthesis.lids import Lids
from mellm_demo.training.synthesis.mesh import EYES
from mellm_demo.training.synthesis.rest import plate_of, rest_of
from mellm_demo.training.synthesis.spec import ClipSpec
from mellm_demo.training.synthesis.truth import TrueEvent, Truth

_MOUTH_RGB = np.array([48.0, 20.0, 18.0], np.float32)  # inside of a mouth that opens
_MOUTH_DEPTH = 0.85  # how opaque it is where it has opened


class Scene:
    """One face ready to be rendered. Frames can be asked for in any order."""

    def __init__(self, face_rgb: Image, spec: ClipSpec, landmarks: FloatArray | None = None) -> None:
        """face_rgb: (H, W, 3); landmarks: its (478, 2) px, found by the landmarker where they are not given.

        Raises FaceError where no face is found, InputError for an unknown action unit.
        """
        if landmarks is None:
            from mellm_demo.face import landmarks_of_image

            landmarks = landmarks_of_image(face_rgb)
        self.spec = spec
        self._plate, place = plate_of(face_rgb, landmarks, spec)
        self._from_rest = np.linalg.inv(place)  # rest frame → plate
        self._rest = rest = rest_of(landmarks, spec)
        self.landmarks: FloatArray = rest.landmarks  # in the rest frame
        self.crop_from_frame: FloatArray = rest.crop_from_frame
        rows, columns = np.mgrid[0 : spec.height, 0 : spec.width].astype(np.float32)
        self._grid: Float32Array = np.dstack([columns, rows])
        self.displacements: tuple[Displacement, ...] = tuple(displacement_of(event, rest) for event in spec.events)
        self._lids = tuple(Lids(rest, eye) for eye in EYES) if spec.blinks else ()
        self._shake = Shake(spec, rest.px)
        self._depth = depths_of(rest) if spec.head.yaw_deg or spec.head.pitch_deg else None
        self._head_mask = head_mask_of(rest) if spec.background == "still" and spec.head.moves else None

    # ------------------------------------------------------------------------------------- truth

    def flows(self) -> tuple[Float32Array, ...]:
        """Per event, onset → apex without head motion, (CROP_PX, CROP_PX, 2) in px of the crop of the rest frame."""
        return tuple(flow_of(field, self._rest) for field in self.displacements)

    def truth(self) -> Truth:
        spec = self.spec
        events = tuple(
            TrueEvent(
                event.onset_ms,
                event.apex_ms,
                event.offset_ms,
                event.hold_ms,
                event.kind,
                event.amplitude_px,
                event.movements,
                region_means(flow, self._rest),
            )
            for event, flow in zip(spec.events, self.flows(), strict=True)
        )
        blinks = tuple((blink.start_ms, blink.start_ms + blink.duration_ms, str(blink.side)) for blink in spec.blinks)
        rows = [(float(a), float(b), float(c)) for a, b, c in self.crop_from_frame]
        head = {key: float(value) for key, value in asdict(spec.head).items()}
        return Truth(
            spec.fps, spec.frame_count, spec.width, spec.height, events, blinks, head, spec.seed, (rows[0], rows[1])
        )

    # ------------------------------------------------------------------------------------- frames

    def frame(self, index: int) -> Image:
        """Frame ``index``, (height, width, 3) RGB."""
        time_ms = self.spec.time_ms(index)
        place = self._before_head(time_ms)
        place, mouth = self._before_expression(place, time_ms)
        place, light = self._before_blink(place, time_ms)
        shown = sampled(self._plate, through(place, self._from_rest), 2)
        if mouth is not None:
            shown = shown + mouth[..., None] * (np.minimum(shown, _MOUTH_RGB) - shown)
        if light is not None:
            shown = shown * light[..., None]
        return self._exposed(shown, index)

    def frames(self) -> Iterator[Image]:
        return (self.frame(index) for index in range(self.spec.frame_count))

    def _before_head(self, time_ms: float) -> Float32Array:
        """(H, W, 2): where in the rest frame each pixel lay before the head moved."""
        if not self.spec.head.moves:
            return self._grid
        shift, roll, scale, yaw, pitch = self._shake.at(time_ms)
        c, s = np.cos(roll) * scale, np.sin(roll) * scale
        matrix = np.array([[c, -s], [s, c]])
        inverse = np.linalg.inv(matrix)
        offset = self._rest.centre - inverse @ (self._rest.centre + shift)
        place = through(self._grid, np.c_[inverse, offset])
        if self._depth is not None:
            depth = sampled(self._depth, place)
            place = place - np.dstack([depth * np.float32(np.sin(yaw)), -depth * np.float32(np.sin(pitch))])
        if self._head_mask is not None:
            place = self._grid + self._head_mask[..., None] * (place - self._grid)
        return np.asarray(place, np.float32)

    def _before_expression(self, place: Float32Array, time_ms: float) -> tuple[Float32Array, Float32Array | None]:
        """Where each place lay before the expression, and how dark the opened mouth is there (or None)."""
        active = [
            (field, share) for field in self.displacements if (share := float(field.event.course(time_ms))) > 1e-4
        ]
        if not active:
            return place, None
        skin, eye, mouth = (
            place - sum(np.float32(share) * sampled(getattr(field, part), place) for field, share in active)
            for part in ("skin", "eye", "mouth")
        )
        place = np.where(sampled(self._rest.eye_mask, skin)[..., None] > 0.5, eye, skin)
        between_lips = sampled(self._rest.mouth_mask, skin)
        opened = np.maximum(between_lips - sampled(self._rest.mouth_mask, mouth), 0.0)
        return np.where(between_lips[..., None] > 0.5, mouth, place), np.float32(_MOUTH_DEPTH) * opened

    def _before_blink(self, place: Float32Array, time_ms: float) -> tuple[Float32Array, Float32Array | None]:
        """Where each place lay before the lids closed, and how much light the line of the lashes leaves (or None)."""
        light = None
        for blink in self.spec.blinks:
            closed = blink.course(time_ms)
            if closed <= 1e-3:
                continue
            light = np.ones(place.shape[:2], np.float32) if light is None else light
            for lids, side in zip(self._lids, ("right", "left"), strict=True):
                if blink.side in ("both", side):
                    place = lids.before(place, closed, light)
        return place, light

    def _exposed(self, shown: Float32Array, index: int) -> Image:
        spec = self.spec
        random = np.random.default_rng([spec.seed, 1, index])
        if spec.lighting:
            overall, tilt = self._shake.light(spec.time_ms(index))
            slope = np.linspace(-0.5, 0.5, spec.width, dtype=np.float32)[None, :, None]
            shown = shown * (1.0 + np.float32(spec.lighting) * (np.float32(overall) + np.float32(tilt) * slope))
        if spec.noise:
            # Shot noise: variance in proportion to light, and a tenth of it from reading the sensor out.
            deviation = spec.noise * np.sqrt(0.1 + 0.9 * np.clip(shown, 0.0, 255.0) / 128.0)
            shown = shown + deviation * random.standard_normal(shown.shape, dtype=np.float32)
        return np.clip(np.rint(shown), 0, 255).astype(np.uint8)
