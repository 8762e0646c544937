"""What the replay of migrations is told and what it tells."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rlsaudit.migrations.blame import Blame
    from rlsaudit.model import Location, ObjectRef

Role = Literal["roles", "migration", "seed"]
"""What a script is for. A failure in a seed is a note only."""


@dataclass(frozen=True, slots=True)
class Script:
    """A file of SQL as its tool runs it.

    Attributes:
        path: Where it is.
        name: The path that locations show: relative to the project's root, with slashes.
        role: What it is for.
        transaction: Whether its tool runs it in one transaction, else each statement by itself. A function where the
            file's own text decides.
        cut: Blanks what the tool does not run (the way down, say) without moving a line.
        version: What Supabase's command line enters into its books once the file has run; empty: nothing.
    """

    path: Path
    name: str
    role: Role = "migration"
    transaction: bool | Callable[[str], bool] = True
    cut: Callable[[str], str] | None = None
    version: str = ""


@dataclass(frozen=True, slots=True)
class Bucket:
    """A storage bucket that the project's configuration asks for."""

    name: str
    public: bool
    location: Location


@dataclass(frozen=True, slots=True)
class Settings:
    """What `supabase/config.toml` says that access depends on. None: it does not say.

    Attributes:
        schemas: `[api].schemas`, what PostgREST serves; empty where it is not said or the API is off (see `api`).
        extra_search_path: `[api].extra_search_path`.
        api: `[api].enabled`.
        major: `[db].major_version`.
        auto_expose: `[api].auto_expose_new_tables`, the switch between the eras.
        signup: `[auth].enable_signup`.
        anonymous_sign_ins: `[auth].enable_anonymous_sign_ins`.
        confirm_email: `[auth.email].enable_confirmations`.
        hooks: the functions of `[auth.hook.*]` that are enabled, as the file names them.
        buckets: `[storage.buckets.*]`.
    """

    schemas: tuple[str, ...] = ()
    extra_search_path: tuple[str, ...] = ()
    api: bool = True
    major: int | None = None
    auto_expose: bool | None = None
    signup: bool | None = None
    anonymous_sign_ins: bool | None = None
    confirm_email: bool | None = None
    hooks: tuple[str, ...] = ()
    buckets: tuple[Bucket, ...] = ()

    @property
    def exposed(self) -> tuple[str, ...]:
        """The schemas that clients can address, the storage API's among them; empty: the file does not say."""
        return tuple(dict.fromkeys((*self.schemas, "storage"))) if self.schemas else ()

    @property
    def era(self) -> Literal["legacy", "explicit"]:
        """How new tables are granted: `explicit` only where the file says so, for in doubt the open one is audited."""
        return "explicit" if self.auto_expose is False else "legacy"


@dataclass(frozen=True, slots=True)
class Project:
    """Migrations that were found.

    Attributes:
        root: What locations are relative to.
        layout: The tool, "supabase", "dbmate", …
        platform: What the database looks like before the first of them.
        scripts: In the order in which the tool runs them; seeds are among them, last.
        settings: Of a Supabase project.
        notes: What had to be assumed.
    """

    root: Path
    layout: str
    platform: Literal["supabase", "postgres"]
    scripts: tuple[Script, ...]
    settings: Settings = field(default_factory=Settings)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """A statement that did not run, or a file that could not be read.

    Attributes:
        location: Where it begins.
        statement: Its first line.
        code: The SQLSTATE; empty where it never reached the server.
        message: Why, in one line.
        objects: What it would have made or changed, as far as its text tells.
        opaque: Whether its text does not tell all of that: a DO block, or what only the server could parse.
        data: Whether it was to change rows alone; who reaches what does not depend on it.
    """

    location: Location
    statement: str
    code: str
    message: str
    objects: tuple[ObjectRef, ...] = ()
    opaque: bool = False
    data: bool = False

    def __str__(self) -> str:
        code = f" ({self.code})" if self.code else ""
        statement = f": {self.statement}" if self.statement else ""
        return f"{self.location.file}:{self.location.line}: {self.message}{code}{statement}"


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay came to.

    Attributes:
        dsn: The conninfo of the database as superuser. Nothing that the migrations made may run in such a session: a
            trigger or a policy of theirs would be a program of the superuser's.
        login: The conninfo as `owner`, to audit through.
        owner: The role that the migrations ran as.
        statements: How many ran.
        failures: Those that did not. What depends on them is unknown.
        complete: Whether every script was gone through, failures or not.
        notes: What had to be assumed or mended: stubs, roles made up, statements run outside of their transaction.
        stubs: The extensions among those created that only stand in for the real ones.
        roles: Roles that were made up because a statement names them and no file creates them.
        blame: Who changed what.
    """

    dsn: str = field(repr=False)
    login: str = field(repr=False)
    owner: str
    statements: int
    failures: tuple[Failure, ...]
    complete: bool
    notes: tuple[str, ...]
    stubs: tuple[str, ...]
    roles: tuple[str, ...]
    blame: Blame
