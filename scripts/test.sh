#!/usr/bin/env bash
# Sets everything up, a browser too, and runs all tests. Arguments go to pytest.
. "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
environment requirements.txt tests/requirements.txt
command -v chromium >/dev/null || debian chromium
exec .venv/bin/python -m pytest "$@"
