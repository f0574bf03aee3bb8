"""A tiny corpus in the format of me_flow, made of bumps: brows up, brows down, corners up."""

import csv

import numpy as np

from mellm_demo.recognition.crop import GRID, strain

CODES = {"surprise": "1+2", "negative": "4", "positive": "12"}


def picture(kind, random):
    """(28, 28, 3) uint8."""
    y, x = np.mgrid[0:GRID, 0:GRID].astype(np.float64)
    flow = random.normal(0.0, 0.05, (GRID, GRID, 2))
    rows, up = {"surprise": (5, 1.0), "negative": (5, -1.0), "positive": (20, 1.0)}[kind]
    for column in (8, 20):
        bump = np.exp(-((x - column) ** 2 + (y - rows) ** 2) / 12.0)
        flow[..., 1] -= up * bump
        flow[..., 0] += 0.3 * up * bump * (1 if column > 14 else -1)
    maps = np.dstack([flow, strain(flow.astype(np.float32))])
    low, high = maps.min(axis=(0, 1)), maps.max(axis=(0, 1))
    return np.round(255 * (maps - low) / (high - low)).astype(np.uint8)


def write_corpus(folder, people=6, per_class=2, seed=0):
    """Two corpora of ``people`` each, the second without coded units. Returns (flows.npz, labels.csv)."""
    random = np.random.default_rng(seed)
    where = folder / "me_flow"
    where.mkdir(parents=True, exist_ok=True)
    pictures, names, rows = [], [], []
    for dataset in ("alpha", "beta"):
        for person in range(people):
            for kind, code in CODES.items():
                for take in range(per_class):
                    name = f"{dataset}_{person}_{kind}_{take}"
                    pictures.append(picture(kind, random))
                    names.append(name)
                    rows.append([name, dataset, f"s{person}", kind, "", code if dataset == "alpha" else ""])
    np.savez(where / "flows.npz", uvs=np.stack(pictures), clip_id=np.array(names))
    with (where / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["clip_id", "dataset", "subject", "coarse", "emotion", "action_units"])
        writer.writerows(rows)
    tables = folder / "annotations"
    tables.mkdir(exist_ok=True)
    for table in ("dfme_train.csv", "casme3_part_a.csv"):
        (tables / table).write_text("action_units,emotion\n1+2,surprise\n4,anger\n12,happy\n", encoding="utf-8")
    return where / "flows.npz", where / "labels.csv"
