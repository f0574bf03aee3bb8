"""Pictures of faces → aligned gray crops with landmarks, found once and kept in one file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mellm_demo import facs
from mellm_demo.errors import InputError
from mellm_demo.records import CROP_PX, Float32Array, Image

PICTURES = (".jpg", ".jpeg", ".png")
HELD_OUT_EVERY = 5  # of the people, in the order of their names: the synthetic faces that no training sees
_TWINS: dict[str, str] = {
    region.key: region.key.removesuffix(region.side) + ("right" if region.side == "left" else "left")
    for region in facs.REGIONS
    if region.side
}


@dataclass(frozen=True)
class Faces:
    """N aligned faces at rest, in the framing of ``records.FaceTrack``."""

    gray: Image  # (N, CROP_PX, CROP_PX)
    landmarks: Float32Array  # (N, 478, 2) px of the crop
    person: tuple[str, ...]  # N names; pictures of one person share theirs

    def __len__(self) -> int:
        return len(self.gray)

    def rows(self, *, held_out: bool) -> tuple[int, ...]:
        """The faces that training may see, or those that only tests do. No person is in both."""
        people = sorted(set(self.person))
        tested = set(people[HELD_OUT_EVERY - 1 :: HELD_OUT_EVERY])
        return tuple(index for index, person in enumerate(self.person) if (person in tested) == held_out)


def framing(rgb: Image) -> tuple[complex, complex, Float32Array]:
    """The similarity z → a z + b from a picture (H, W, 3) to the crop, and the landmarks (478, 2) px of the crop.

    Raises FaceError where there is no face.
    """
    from mellm_demo.face import landmarks_of_image
    from mellm_demo.face.alignment import fit_to_crop, personal_framing

    points = landmarks_of_image(rgb)
    typical = fit_to_crop(points)
    z = points[:, 0] + 1j * points[:, 1]
    once = typical.a * z + typical.b
    own = personal_framing([np.stack([once.real, once.imag], axis=1)])
    a, b = own.a * typical.a, own.a * typical.b + own.b
    moved = a * z + b
    return a, b, np.stack([moved.real, moved.imag], axis=1).astype(np.float32)


def cut(rgb: Image, a: complex, b: complex) -> Image:
    """The gray crop (CROP_PX, CROP_PX) of a picture (H, W, 3) under a similarity."""
    import cv2

    gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    if abs(a) < 1.0:  # a warp samples points: what the crop cannot hold is smoothed away first
        gray = cv2.GaussianBlur(gray, (0, 0), 0.45 * (1.0 / abs(a) - 1.0) + 1e-3)
    matrix = np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])
    size = (CROP_PX, CROP_PX)
    crop = cv2.warpAffine(gray, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(crop, np.uint8)


def aligned(rgb: Image) -> tuple[Image, Float32Array]:
    """A picture (H, W, 3) → its largest face as gray crop (CROP_PX, CROP_PX) uint8 with landmarks (478, 2) px.

    Raises FaceError where there is no face.
    """
    a, b, landmarks = framing(rgb)
    return cut(rgb, a, b), landmarks


def find_pictures(folder: Path) -> list[Path]:
    """All pictures in and under a folder, sorted. Raises InputError where there is none."""
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURES) if folder.is_dir() else []
    if not found:
        raise InputError(f"There is no picture in the folder {folder.name}. Give a folder of faces (.jpg, .png).")
    return found


def read_faces(folder: Path, store: Path | None = None) -> Faces:
    """The faces of a folder; the person is the file's name up to the first underscore.

    store: an .npz in which they are kept, so that landmarks are found once. Pictures without a face are left out.
    Raises InputError where no picture holds a face.
    """
    from mellm_demo.errors import FaceError
    from mellm_demo.training.synthesis import read_picture

    if store is not None and store.exists():
        return _load(store)
    crops, points, people = [], [], []
    for path in find_pictures(folder):
        try:
            crop, landmarks = aligned(read_picture(path))
        except FaceError:
            continue
        crops.append(crop)
        points.append(landmarks)
        people.append(path.stem.split("_")[0])
    if not crops:
        raise InputError(f"No picture in the folder {folder.name} shows a face. Give pictures taken from the front.")
    faces = Faces(np.stack(crops), np.stack(points), tuple(people))
    if store is not None:
        _save(faces, store)
    return faces


def _save(faces: Faces, store: Path) -> None:
    store.parent.mkdir(parents=True, exist_ok=True)
    part = store.with_suffix(".part.npz")
    np.savez(part, gray=faces.gray, landmarks=faces.landmarks, person=np.array(faces.person))
    part.replace(store)


def _load(store: Path) -> Faces:
    with np.load(store, allow_pickle=False) as kept:
        return Faces(kept["gray"], kept["landmarks"], tuple(str(name) for name in kept["person"]))


def twin_region(key: str) -> str:
    """The region of the other side; itself on the midline."""
    return _TWINS.get(key, key)
