"""Pictures of the page: the README's, the gallery's stills, and one of every state for whoever looks it over.

    python tests/take_screenshots.py             # the README's picture → assets/page.png
    python tests/take_screenshots.py --stills    # the stills of the example clips → assets/ui/*.jpg
    python tests/take_screenshots.py --all DIR   # every state, 1440 and 390 px wide, light and dark → DIR

Everything is the real program on the example clips of ``assets``. Needs Chromium, as the browser test does.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from playwright.sync_api import Browser, Page, expect, sync_playwright  # noqa: E402
from test_browser import CHROMIUM_FLAGS, NARROW, WIDE, ask, bring, chromium, free_port  # noqa: E402

from mellm_demo.settings import Settings  # noqa: E402
from mellm_demo.ui import build_app, launch  # noqa: E402

ASSETS = ROOT / "assets"
README_PICTURE = ASSETS / "page.png"
README_SIZE = {"width": 1440, "height": 1180}
SHARPNESS = 1.0  # device pixels per CSS pixel in the README's picture
STILL_PX, STILL_QUALITY = 160, 82
PATIENCE_MS = 120_000


def made_smaller(picture: Path) -> None:
    """256 colours are enough for a picture of a page, and a third of the size."""
    from PIL import Image

    Image.open(picture).convert("RGB").quantize(256).save(picture, optimize=True)


@contextmanager
def served() -> Iterator[tuple[Browser, str]]:
    settings = Settings(port=free_port())
    demo = build_app(settings)
    url = launch(demo, settings, block=False)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_FLAGS)
        yield browser, url
        browser.close()
    demo.close(verbose=False)


@contextmanager
def opened(browser: Browser, url: str, *, dark: bool, size: dict[str, int], sharpness: float = 1.0) -> Iterator[Page]:
    context = browser.new_context(
        color_scheme="dark" if dark else "light", viewport=size, device_scale_factor=sharpness
    )
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(url)
    expect(page.locator("#mellm-question textarea")).to_be_visible(timeout=PATIENCE_MS)
    page.wait_for_timeout(600)
    yield page
    context.close()


def choose_example(page: Page, name: str) -> None:
    card = page.locator("#mellm-input > button")
    if "open" not in (card.get_attribute("class") or ""):
        card.click()
    page.get_by_role("button", name=f"Analyse the example: {name}").click()


def settled(page: Page) -> None:
    """The finding is there and everything was said."""
    expect(page.locator("#mellm-finding h2")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_role("button", name="Explain again")).to_be_enabled(timeout=PATIENCE_MS)
    expect(page.locator("#mellm-plot .main-svg").first).to_be_visible(timeout=PATIENCE_MS)
    page.wait_for_timeout(700)


def picture_for_readme() -> None:
    with served() as (browser, url), opened(browser, url, dark=False, size=README_SIZE, sharpness=SHARPNESS) as page:
        choose_example(page, "Smile")
        settled(page)
        page.screenshot(path=README_PICTURE, clip={"x": 0, "y": 0, **README_SIZE})
        made_smaller(README_PICTURE)


def stills() -> None:
    """What the gallery shows of every example: the motion map of its finding, or the plain face where there is none."""
    import cv2
    import numpy as np

    from mellm_demo.pipeline import analyse

    for path in sorted(ASSETS.glob("*.mp4")):
        analysis = analyse(path, Settings())
        if analysis.moment is not None and analysis.reliable:
            picture = cv2.cvtColor(analysis.moment.motion_map, cv2.COLOR_RGB2BGR)
        else:
            picture = cv2.imdecode(np.frombuffer(analysis.face.display_jpegs[0], np.uint8), cv2.IMREAD_COLOR)
        small = cv2.resize(picture, (STILL_PX, STILL_PX), interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(ASSETS / "ui" / f"{path.stem}.jpg"), small, [cv2.IMWRITE_JPEG_QUALITY, STILL_QUALITY])


def every_state(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with served() as (browser, url), TemporaryDirectory() as scratch:
        letter = Path(scratch) / "letter.mp4"
        letter.write_text("not a film " * 50)
        for dark in (False, True):
            for size in (WIDE, NARROW):
                name = f"{size['width']}-{'dark' if dark else 'light'}"
                with opened(browser, url, dark=dark, size=size) as page:
                    _walk(
                        page,
                        letter,
                        lambda state, page=page, name=name: page.screenshot(
                            path=folder / f"{name}-{state}.png", full_page=True
                        ),
                    )


def _walk(page: Page, letter: Path, shoot) -> None:
    shoot("1-empty")
    bring(page, letter)
    expect(page.locator("#mellm-status .trouble")).to_be_visible(timeout=PATIENCE_MS)
    shoot("2-unusable")
    choose_example(page, "Smile")
    expect(page.locator("#mellm-status .reading")).to_be_visible(timeout=PATIENCE_MS)
    shoot("3-reading")
    settled(page)
    shoot("4-found")
    for view in ("Wipe", "Motion map", "Magnified", "Frames"):
        page.get_by_role("tab", name=view).click()
        page.wait_for_timeout(1500)
        shoot(f"5-{view.split()[0].lower()}")
    ask(page, "Which side, and how sure is that?")
    page.wait_for_timeout(2500)
    shoot("6-asked")
    choose_example(page, "No expression")
    expect(page.locator("#mellm-finding h2")).to_contain_text("No reliable", timeout=PATIENCE_MS)
    settled(page)
    shoot("7-nothing")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stills", action="store_true")
    parser.add_argument("--all", type=Path, metavar="DIR")
    wanted = parser.parse_args()
    if wanted.stills:
        stills()
    elif wanted.all:
        every_state(wanted.all)
    else:
        picture_for_readme()


if __name__ == "__main__":
    main()
