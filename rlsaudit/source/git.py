"""The files of a git reference, in a directory of their own: the work tree is not touched."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rlsaudit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

# Within a hook git says by these which repository it is about; with a directory of its own each call finds its own.
_OF_HOOKS = frozenset(
    {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY"}
)
_HINT = "Name a branch, a tag or a commit that is here: in CI, fetch it first (`fetch-depth: 0`)."

_NOT_OURS = "If you trust it: `git config --global --add safe.directory` and the directory, in the same container."


@contextmanager
def checked_out(path: Path, reference: str) -> Iterator[Path]:
    """Yields what `path` was at `reference`, below a temporary directory that is gone afterwards.

    Raises:
        UsageError: `path` is in no git repository, git is not installed, or there is no such reference.
    """
    git = shutil.which("git")
    if git is None:
        raise UsageError("git is not installed.", hint="Install it, or give --base a directory or a snapshot.")
    place = path.resolve() if path.is_dir() else path.resolve().parent
    top = Path(_git(git, place, "rev-parse", "--show-toplevel"))
    # A reference that begins with a dash would be an option.
    commit = _git(git, place, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{reference}^{{commit}}")
    inside = path.resolve().relative_to(top.resolve())
    with tempfile.TemporaryDirectory(prefix="rlsaudit-base-") as directory:
        archive = Path(directory, "base.tar")
        _git(git, top, "archive", "--format=tar", f"--output={archive}", commit)
        files = Path(directory, "files")
        with tarfile.open(archive) as tar:
            tar.extractall(files, filter="data")
        # Locations are relative to the repository: this marks where it begins.
        (files / ".git").mkdir(exist_ok=True)
        yield files / inside


def _git(git: str, place: Path, *arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name not in _OF_HOOKS}
    command = [git, "-C", str(place), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 — no shell, and references are kept from being options
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()
        why = said[0] if said else f"git {arguments[0]} found nothing"
        hint = _NOT_OURS if "dubious ownership" in why else _HINT
        raise UsageError(f"git cannot tell what it was like: {why}.", hint=hint)
    return done.stdout.strip()
