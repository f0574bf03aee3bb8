#!/usr/bin/env bash
# Sets everything up and opens the page on http://127.0.0.1:7860.
. "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
environment requirements.txt
exec .venv/bin/python app.py "$@"
