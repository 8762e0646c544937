"""A snapshot as a file: what was saved is read, and nothing else is."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from rlsaudit.catalog import PUBLIC, Snapshot, dump, load
from rlsaudit.catalog.facts import (
    Bucket,
    Column,
    ColumnRef,
    Database,
    Extension,
    ForeignServer,
    ForeignWrapper,
    Grant,
    Language,
    LargeObjects,
    ParameterAcl,
    Policy,
    Relation,
    Role,
    Schema,
    Server,
    Type,
    Viewer,
)
from rlsaudit.errors import SnapshotError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ACL = (Grant(10, 10, "SELECT", grantable=True), Grant(PUBLIC, 10, "SELECT", grantable=False))
SNAPSHOT = Snapshot(
    server=Server("17.10", 170010, 'da"ta\n', 10, "UTF8"),
    viewer=Viewer("postgres", superuser=True, bypass_rls=True, settable=frozenset({10, 4_000_000_000})),
    roles=(Role(10, "postgres", *(True,) * 7), Role(4_000_000_000, "é\u2028\U0001f600", *(False,) * 7)),
    memberships=(),
    role_settings=(),
    schemas=(Schema(2200, "public", 10, ACL, None),),
    relations=(
        Relation(16400, 2200, "t", "r", 10, ACL, True, False, False, ("a=b",), "d", -1.0, None, None, 28),  # noqa: FBT003
    ),
    columns=(Column(16400, 1, "a", "integer", "b", True, False, False, False, ()),),  # noqa: FBT003
    policies=(Policy(16500, 16400, "p", "*", True, (PUBLIC,), "true", None, (ColumnRef(16400, 1),), ()),),  # noqa: FBT003
    functions=(),
    rewrites=(),
    triggers=(),
    inheritance=(),
    constraints=(),
    sequence_owners=(),
    default_acls=(),
    publications=(),
    extensions=(),
    foreign_servers=(),
    foreign_tables=(),
    user_mappings=(),
    event_triggers=(),
    database=Database("app", 10, ACL),
    parameters=(ParameterAcl("work_mem", ACL),),
    types=(Type(16600, 2200, "mood", "e", 10, ACL, None),),
    languages=(Language(14, "sql", 10, trusted=True, acl=ACL),),
    foreign_wrappers=(ForeignWrapper(16700, "w", 10, ACL),),
    large_objects=(LargeObjects(10, ACL, 3),),
    large_objects_open=False,
    buckets=(Bucket("avatars", "avatars", public=True),),
    blind=("something",),
)


def test_what_was_saved_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "facts.json"
    path.write_bytes(dump(SNAPSHOT))
    assert load(path) == SNAPSHOT


def test_a_file_is_the_same_each_time_and_ends_with_a_newline() -> None:
    assert dump(SNAPSHOT) == dump(SNAPSHOT)
    assert dump(SNAPSHOT).endswith(b"}\n")


def test_a_file_of_a_newer_version_with_more_keys_is_read(tmp_path: Path) -> None:
    document = json.loads(dump(SNAPSHOT))
    document["more"] = 1
    document["snapshot"]["more"] = [1]
    path = tmp_path / "facts.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    assert load(path) == SNAPSHOT


def test_a_file_of_a_version_that_knew_less_is_read(tmp_path: Path) -> None:
    full = replace(
        SNAPSHOT,
        extensions=(Extension("citext", "1.6", 2200, "1.6", None, relocatable=True),),
        foreign_servers=(ForeignServer(16600, "shop", 10, ACL, (), "postgres_fdw", "postgres_fdw_handler"),),
    )
    document = json.loads(dump(full))
    del document["snapshot"]["extensions"][0]["relocatable"]
    del document["snapshot"]["foreign_servers"][0]["wrapper"], document["snapshot"]["foreign_servers"][0]["handler"]
    path = tmp_path / "facts.json"
    path.write_text(json.dumps(document))
    read = load(path)
    assert (read.extensions[0].relocatable, read.foreign_servers[0].handler) == (None, None)


def changed(change: Callable[[Any], object]) -> bytes:
    document = json.loads(dump(SNAPSHOT))
    change(document)
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff\xfe",
        dump(SNAPSHOT)[:-3],
        dump(SNAPSHOT) + b"{}",
        dump(SNAPSHOT).replace(b'"public"', b'"\xff"'),
        b"\xef\xbb\xbf" + dump(SNAPSHOT),
        b'{"more": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        changed(lambda document: document.update(schema="rlsaudit.snapshot/2")),
        changed(lambda document: document.pop("schema")),
        changed(lambda document: document["snapshot"].pop("roles")),
        changed(lambda document: document["snapshot"].update(roles=None)),
        changed(lambda document: document["snapshot"]["roles"][0].update(oid="10")),
        changed(lambda document: document["snapshot"]["relations"][0]["acl"][0].pop()),
        changed(lambda document: document["snapshot"]["relations"][0].update(schema=1)),
        changed(lambda document: document["snapshot"].update(schemas=[])),
        changed(lambda document: document["snapshot"]["policies"][0].update(relation=1)),
    ],
)
def test_a_damaged_file_is_refused_with_its_name_and_what_to_do(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "facts.json"
    path.write_bytes(content)
    with pytest.raises(SnapshotError) as raised:
        load(path)
    assert str(path) in raised.value.message
    assert "rlsaudit snapshot" in raised.value.hint


def test_a_file_that_is_not_there_or_a_directory_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.json", tmp_path):
        with pytest.raises(SnapshotError, match="cannot be read"):
            load(path)


def test_equal_grants_are_one_object(tmp_path: Path) -> None:
    (one,) = SNAPSHOT.relations[:1]
    other = replace(one, oid=one.oid + 1, name="other")
    path = tmp_path / "facts.json"
    path.write_bytes(dump(replace(SNAPSHOT, relations=(*SNAPSHOT.relations, other))))
    read = load(path)
    assert read.relations == (*SNAPSHOT.relations, other)
    assert read.relations[-1].acl is read.relations[0].acl
