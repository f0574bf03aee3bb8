"""Starts the page: settings from the environment, the app from ``mellm_demo.ui``. Nothing else happens here."""

from mellm_demo.errors import MellmError
from mellm_demo.settings import Settings
from mellm_demo.ui import build_app, launch

try:
    settings = Settings.from_environment()
    demo = build_app(settings)
except MellmError as error:  # says what is wrong and what to do
    raise SystemExit(str(error)) from None

if __name__ == "__main__":
    launch(demo, settings)
