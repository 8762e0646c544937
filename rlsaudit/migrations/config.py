"""`supabase/config.toml`: what of it decides who reaches what. It comes from the repository, so nothing is trusted."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rlsaudit.errors import UsageError
from rlsaudit.migrations.model import Bucket, Settings
from rlsaudit.model import Location

if TYPE_CHECKING:
    from pathlib import Path

_MAJORS = range(13, 30)


@dataclass(frozen=True, slots=True)
class Config:
    """The file, as far as the replay and the audit need it."""

    settings: Settings
    schema_paths: tuple[str, ...] = ()
    seeds: bool = True
    seed_paths: tuple[str, ...] = ("./seed.sql",)
    notes: tuple[str, ...] = ()


def read_config(path: Path, root: Path) -> Config:
    """Reads the file; where it is missing, or says nothing, the command line's defaults hold.

    Raises:
        UsageError: it is no TOML.
    """
    if not path.is_file():
        return Config(Settings(), notes=("there is no supabase/config.toml: Supabase's defaults were assumed",))
    name = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()
    try:
        text = path.read_bytes().decode("utf-8-sig")
        document = tomllib.loads(text.replace("\r\n", "\n"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(
            f"{name} cannot be understood: {error}.", hint="`supabase start` would refuse it as well; correct it."
        ) from None
    table = _Table(document)
    api, auth, db = table.table("api"), table.table("auth"), table.table("db")
    major = db.number("major_version")
    settings = Settings(
        schemas=api.strings("schemas"),
        extra_search_path=api.strings("extra_search_path"),
        api=api.flag("enabled") is not False,
        major=major if major in _MAJORS else None,
        auto_expose=api.flag("auto_expose_new_tables"),
        signup=auth.flag("enable_signup"),
        anonymous_sign_ins=auth.flag("enable_anonymous_sign_ins"),
        confirm_email=auth.table("email").flag("enable_confirmations"),
        hooks=tuple(
            uri
            for hook in auth.table("hook").tables()
            if hook.flag("enabled") and (uri := hook.text("uri")) is not None
        ),
        buckets=_buckets(table, text, name),
    )
    seed = db.table("seed")
    return Config(
        settings,
        db.table("migrations").strings("schema_paths"),
        seed.flag("enabled") is not False,
        seed.strings("sql_paths") or ("./seed.sql",),
    )


def _buckets(table: _Table, text: str, file: str) -> tuple[Bucket, ...]:
    found = []
    for name, bucket in table.table("storage").table("buckets").named():
        header = re.search(rf'^\s*\[storage\.buckets\."?{re.escape(name)}"?\]', text, re.MULTILINE)
        line = text.count("\n", 0, header.end()) + 1 if header else 1
        found.append(Bucket(name, bucket.flag("public") is True, Location(file, line)))
    return tuple(found)


class _Table:
    """A table of TOML that answers only in the type that is asked for: anything may stand there, `env(X)` too."""

    def __init__(self, content: object) -> None:
        self._content: dict[str, Any] = content if isinstance(content, dict) else {}

    def table(self, key: str) -> _Table:
        return _Table(self._content.get(key))

    def tables(self) -> list[_Table]:
        return [_Table(one) for one in self._content.values() if isinstance(one, dict)]

    def named(self) -> list[tuple[str, _Table]]:
        return [(key, _Table(one)) for key, one in self._content.items() if isinstance(one, dict)]

    def flag(self, key: str) -> bool | None:
        value = self._content.get(key)
        return value if isinstance(value, bool) else None

    def number(self, key: str) -> int | None:
        value = self._content.get(key)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def text(self, key: str) -> str | None:
        value = self._content.get(key)
        return value if isinstance(value, str) else None

    def strings(self, key: str) -> tuple[str, ...]:
        value = self._content.get(key)
        return tuple(one for one in value if isinstance(one, str) and one) if isinstance(value, list) else ()
