#!/usr/bin/env bash
# Sets everything up, a browser too, and runs all tests. Arguments go to pytest.
. "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
environment requirements.txt tests/requirements.txt tests/requirements-alone.txt
missing=()
command -v chromium-headless-shell >/dev/null || missing+=(chromium-headless-shell)
.venv/bin/python -c 'import ctypes; ctypes.CDLL("libatomic.so.1")' 2>/dev/null || missing+=(libatomic1) # Playwright's driver
[ ${#missing[@]} = 0 ] || debian "${missing[@]}"
exec .venv/bin/python -m pytest -n auto --dist loadfile "$@"
