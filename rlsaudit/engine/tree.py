"""Our own tree of an installation: for an account that cannot reach the original, and to add extensions to it.

Postgres finds share/ and lib/ relative to where its executable really is, so the executables are hard links or copies,
in directories laid out as the original's. The rest may be symbolic links where the server's account can follow them.
Nothing of the original is changed: a hard link is only made of a file that everybody may read anyway.
"""

from __future__ import annotations

import os
import shutil
import stat
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rlsaudit.engine.installation import SUFFIX, NotAnInstallationError, inspect

if TYPE_CHECKING:
    from rlsaudit.engine.installation import Installation

PROGRAMS = ("postgres", "initdb", "pg_config")
NOT_NEEDED = shutil.ignore_patterns("*.a", "pgxs", "bitcode", "pkgconfig", "include", "doc", "man", "locale")


def build(installation: Installation, root: Path, *, reachable: bool) -> Installation | None:
    """Rebuild the installation below `root`, with a share/extension of its own.

    `reachable` says that the server's account can follow symbolic links to the original.

    Returns:
        The rebuilt installation, or None where its layout is not understood.
    """
    share, modules = installation.share, installation.modules
    if share is None or modules is None:
        return None
    # Its own libraries are found at $ORIGIN/../lib, and often the loadable modules in a directory there.
    beside = installation.bin_dir.parent / "lib"
    libraries = beside if modules.is_relative_to(beside) else modules
    anchor = Path(os.path.commonpath([installation.bin_dir, share, libraries]))
    if anchor in (installation.bin_dir, share, libraries):
        return None

    bin_dir = root / installation.bin_dir.relative_to(anchor)
    _directory(bin_dir, root)
    for program in PROGRAMS if os.name != "nt" else [path.name for path in installation.bin_dir.iterdir()]:
        source = installation.bin_dir / (program if os.name == "nt" else f"{program}{SUFFIX}")
        if source.is_file():
            link_or_copy(source, bin_dir / source.name)

    _directory((root / libraries.relative_to(anchor)).parent, root)
    _mirror(libraries, root / libraries.relative_to(anchor), reachable=reachable)

    own_share = root / share.relative_to(anchor)
    _directory(own_share / "extension", root)
    for source in share.iterdir():
        if source.name == "extension" or source.name in NOT_NEEDED(str(share), [source.name]):
            continue
        _mirror(source, own_share / source.name, reachable=reachable)
    for source in (share / "extension").iterdir():
        if source.is_file():
            _mirror(source, own_share / "extension" / source.name, reachable=reachable)

    return _checked(replace(installation, bin_dir=bin_dir, share=own_share, modules=root / modules.relative_to(anchor)))


def link_or_copy(source: str | Path, destination: str | Path) -> None:
    """Hard-link a file that everybody may read, copy any other so that everybody may; copy across file systems."""
    mode = Path(source).stat().st_mode
    # Where its owner may run it, everybody may.
    if mode & stat.S_IROTH and bool(mode & stat.S_IXUSR) == bool(mode & stat.S_IXOTH):
        try:
            os.link(source, destination, follow_symlinks=True)
        except OSError:
            pass
        else:
            return
    shutil.copyfile(source, destination)
    Path(destination).chmod(0o755 if mode & stat.S_IXUSR else 0o644)


def _mirror(source: Path, destination: Path, *, reachable: bool) -> None:
    if reachable:
        destination.symlink_to(source)
    elif source.is_dir():
        shutil.copytree(source, destination, symlinks=False, ignore=NOT_NEEDED, copy_function=link_or_copy)
        for directory, _, _ in os.walk(destination):
            Path(directory).chmod(0o755)
    else:
        link_or_copy(source, destination)


def _directory(path: Path, root: Path) -> None:
    path.mkdir(parents=True, exist_ok=True)
    for directory in (path, *path.parents):
        directory.chmod(0o755)
        if directory == root:
            break


def _checked(tree: Installation) -> Installation | None:
    """The tree, if its programs agree with us about where its parts are."""
    try:
        seen = inspect(tree.bin_dir)
    except NotAnInstallationError:
        return None
    return tree if seen.share == tree.share and seen.modules == (tree.modules and tree.modules.resolve()) else None
