"""What is asked of the engine, and what it could take."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

OLDEST_MAJOR = 14

SUPERUSER = "supabase_admin"
"""Supabase's superuser, and the first role of every cluster that we make: its `postgres` is not one."""


@dataclass(frozen=True, slots=True)
class EngineRequest:
    """Which throwaway Postgres to take.

    `url` is a superuser's URL on a server that is meant to be thrown away, `pg_bin` a directory with `postgres` and
    `initdb`, `major` the major version that is needed, `provider` the name of the provider to take it from; whatever is
    left out is found. `loopback` asks for an address besides the socket, for programs that know no sockets:
    `Server.dsn` gives it.
    """

    url: str | None = field(default=None, repr=False)
    pg_bin: Path | None = None
    major: int | None = None
    provider: str | None = None
    loopback: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """A Postgres that could be taken, or that could not: `reason` says where it comes from or what is wrong with it.

    `explicit` is one that the user named: where it is broken nothing else is taken in its stead.
    """

    provider: str
    usable: bool
    reason: str
    version: str | None = None
    major: int | None = None
    bin_dir: Path | None = None
    explicit: bool = False


@dataclass(frozen=True, slots=True)
class Access:
    """The way into a running server: libpq's parameters for a superuser, `dbname` being the maintenance database.

    `shared` is a server that outlives us, so what we make gets names of its own and is taken away again; `stubs` are
    the extensions that stand in for real ones; `passwords` says that roles have to prove who they are. `loopback` has
    the parameters that differ for the way by TCP, on which they have to in any case; empty: there is no other way.
    """

    parameters: Mapping[str, str] = field(repr=False)
    stubs: frozenset[str] = frozenset()
    shared: bool = False
    passwords: bool = False
    loopback: Mapping[str, str] = field(default_factory=dict)


class Provider(Protocol):
    """One place that a throwaway Postgres may come from."""

    @property
    def name(self) -> str:
        """What `rlsaudit engine` calls it."""

    def find(self, request: EngineRequest) -> Iterator[Candidate]:
        """The candidates of this place, best first, unusable ones too; none where it does not apply."""

    def start(self, candidate: Candidate, request: EngineRequest) -> AbstractContextManager[Access]:
        """Run a candidate that `find` called usable; gone when the context ends.

        Raises:
            EngineError: it does not start after all.
        """
