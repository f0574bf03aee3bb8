# Sourced by start.sh and test.sh. Goes to the top of the project; `environment FILE…` makes .venv hold the requirements of
# these files; of those named …-alone.txt nothing but what they list. Wants Python 3.11 or 3.12; what Debian keeps in
# packages of its own is installed if it is missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

VERSION_FITS='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))'

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

debian() { # debian PACKAGE…: install, as root or through sudo
  local as_root=()
  [ "$(id -u)" = 0 ] || as_root=(sudo)
  command -v apt-get >/dev/null && command -v "${as_root[@]:-true}" >/dev/null || fail "Please install: $*"
  printf 'Installing %s …\n' "$*"
  "${as_root[@]}" apt-get update -qq || true # one broken foreign source must not stop us
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" >/dev/null
}

suitable_python() {
  local python
  for python in python3 python3.12 python3.11; do
    if "$python" -c "$VERSION_FITS" 2>/dev/null; then
      printf '%s' "$python"
      return
    fi
  done
  return 1
}

environment() {
  local python file files=() alone=()
  if ! .venv/bin/python -c "$VERSION_FITS" 2>/dev/null || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    command -v python3 >/dev/null || debian python3
    python=$(suitable_python) || fail "Python 3.11 or 3.12 is needed; here is $(python3 --version 2>&1). Please install one of them."
    # Debian keeps the module that puts pip into a new environment apart.
    "$python" -c 'import ensurepip' 2>/dev/null \
      || debian "python$("$python" -c 'import sys; print(*sys.version_info[:2], sep=".")')-venv"
    "$python" -m venv --clear .venv
  fi
  printf 'Python packages in .venv (the first time takes a minute or two) …\n'
  for file in "$@"; do
    case "$file" in
      *-alone.txt) alone+=(-r "$file") ;;
      *) files+=(-r "$file") ;;
    esac
  done
  .venv/bin/python -m pip install -q --disable-pip-version-check "${files[@]}"
  [ ${#alone[@]} = 0 ] || .venv/bin/python -m pip install -q --disable-pip-version-check --no-deps "${alone[@]}"
}
