"""The files of a git reference, in a directory of their own: the work tree is not touched."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rlsaudit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Within a hook git says by these which repository it is about; with a directory of its own each call finds its own.
_OF_HOOKS = frozenset(
    {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY"}
)
_HINT = "Name a branch, a tag or a commit that is here: in CI, fetch it first (`fetch-depth: 0`)."
_NO_REPOSITORY = "not a git repository"
# Git would run programs that the repository's settings name, so whether its owner is trusted is not ours to say.
_OWNER = "detected dubious ownership"
_TRUST = "If you trust whoever owns it: `git config --global --add safe.directory {place}`, as who you are here."


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
        files = Path(directory, "files")
        files.mkdir()
        # Not `git archive`, which leaves out what is marked `export-ignore`. The index is one of our own.
        index = {"GIT_INDEX_FILE": str(Path(directory, "index"))}
        _git(git, top, "read-tree", commit, env=index)
        _git(git, top, "checkout-index", "--all", f"--prefix={files}{os.sep}", env=index)
        # Locations are relative to the repository: this marks where it begins.
        (files / ".git").mkdir(exist_ok=True)
        yield files / inside


def _git(git: str, place: Path, *arguments: str, env: Mapping[str, str] | None = None) -> str:
    outside = {name: value for name, value in os.environ.items() if name not in _OF_HOOKS}
    done = subprocess.run(  # noqa: S603 — no shell, and references are kept from being options
        [git, "-C", str(place), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**outside, "LC_ALL": "C", **(env or {})},  # in another language we would not know what it says
    )
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()
        if not said:
            raise UsageError("There is no file or directory of that name, nor a git reference.", hint=_HINT)
        why = said[0]
        if _NO_REPOSITORY in why:
            raise UsageError("There is no file or directory of that name, and this is no git repository.", hint=_HINT)
        hint = _TRUST.format(place=shlex.quote(str(place))) if _OWNER in why else _HINT
        raise UsageError(f"git cannot tell what it was like: {why}.", hint=hint)
    return done.stdout.strip()
