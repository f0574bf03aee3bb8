"""Starts the page: settings from the environment, the app from ``mellm_demo.ui``. Nothing else happens here."""

from mellm_demo.settings import Settings
from mellm_demo.ui import build_app, launch

settings = Settings.from_environment()
demo = build_app(settings)

if __name__ == "__main__":
    launch(demo, settings)
