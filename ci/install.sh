#!/usr/bin/env bash
# Installs rlsaudit, as it is in this checkout, into a virtual environment of its own: `bash ci/install.sh DIRECTORY`.
# Everything comes in the versions and with the hashes of requirements/; nothing is resolved, so nothing else can come in.
# PYTHON names the Python to take (default: python3), which needs pip.
set -euo pipefail

(($# == 1)) || { echo "usage: bash ci/install.sh DIRECTORY" >&2; exit 2; }
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=$1
python=${PYTHON:-python3}
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
  { echo "rlsaudit needs Python 3.11 or later, and $python is not: set one up first, or name another." >&2; exit 2; }

build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
for target in "$build/venv" "$venv"; do
  "$python" -m venv --without-pip --clear "$target"
done
into() { "$python" -m pip --python "$@"; }
into "$build/venv" install --quiet --no-deps --require-hashes --requirement "$here/requirements/build.txt"
into "$venv" install --quiet --no-deps --require-hashes --requirement "$here/requirements/runtime.txt"

# By its own command line, since nothing but it is in that environment, pip neither.
programs=bin
[[ -d $build/venv/Scripts ]] && programs=Scripts
(cd "$here" && "$build/venv/$programs/python" -m hatchling build --target wheel --directory "$build/wheels" >/dev/null)

# --no-index: whatever the pins lack is an error here, not something from elsewhere.
into "$venv" install --quiet --no-index --find-links "$build/wheels" 'rlsaudit[embedded]'
"$venv/$programs/rlsaudit" --version
