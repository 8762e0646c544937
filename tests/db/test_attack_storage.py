"""Files, attacked as the API of Supabase's Storage asks for them: put in, overwritten, listed, moved, read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from rlsaudit.audit import Options, audit
from rlsaudit.connect import connect
from rlsaudit.model import STRANGER, EvidenceKind, Operation, Reach

if TYPE_CHECKING:
    from rlsaudit.model import Cell, Report

OWNER = "bbbbbbbb-0000-4000-8000-000000000001"
FOLDER = "(storage.foldername(name))[1] = (select auth.uid())::text"
MINE = "owner_id = (select auth.uid())::text"


def _audited(database: str, schema: str) -> Report:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(schema.encode())
    with connect(make_conninfo(database, user="postgres")) as session:
        report = audit(session, Options(throwaway=True))
    assert not [one for one in report.matrix if "a bug of rlsaudit" in f"{one.because} {one.escalated_because}"]
    return report


def _cell(report: Report, operation: Operation, persona: str = "authenticated") -> Cell:
    return next(
        one
        for one in report.matrix
        if (one.persona, one.relation, one.operation) == (persona, "storage.objects", operation)
    )


@pytest.mark.parametrize(
    ("check", "said"),
    [
        (f"bucket_id = 'docs' and {MINE}", 'put files of its own into folders of others (bucket "docs")'),
        (MINE, "put files of its own into folders of others (buckets that no policy names)"),
        (f"{MINE} and {FOLDER}", ""),
        (f"bucket_id = 'docs' and {FOLDER}", ""),
    ],
)  # fmt: skip
def test_files_of_ones_own_in_folders_of_others(supabase_database: str, check: str, said: str) -> None:
    policy = f"create policy up on storage.objects for insert to authenticated with check ({check})"
    cell = _cell(_audited(supabase_database, policy), Operation.INSERT)
    assert (cell.reach, cell.evidence) == (Reach.OWN, EvidenceKind.PROBE), cell.because
    assert ("folders of others" in cell.because) is bool(said)
    assert said in cell.because


def test_a_file_is_moved_into_a_folder_of_ones_own(supabase_database: str) -> None:
    report = _audited(
        supabase_database,
        f"""create policy move on storage.objects for update to authenticated
              using (bucket_id = 'docs') with check ({FOLDER})""",
    )
    cell = _cell(report, Operation.UPDATE)
    assert (cell.reach, cell.evidence) == (Reach.SOME, EvidenceKind.PROBE), cell.because
    assert any("moved.txt" in line for one in report.findings for line in one.evidence.sql)


def test_changing_ones_own_files_is_seen_past_the_trigger(supabase_database: str) -> None:
    report = _audited(
        supabase_database,
        f"create policy change on storage.objects for update to authenticated using ({MINE}) with check ({MINE})",
    )
    cell = _cell(report, Operation.UPDATE)
    assert (cell.reach, cell.evidence) == (Reach.OWN, EvidenceKind.PROBE), cell.because


def test_public_buckets_are_told_of_and_change_no_verdict(supabase_database: str) -> None:
    report = _audited(
        supabase_database,
        "insert into storage.buckets (id, name, public) values ('wall', 'wall', true), ('docs', 'docs', false)",
    )
    assert all(
        _cell(report, operation, persona).reach is Reach.NONE
        for operation in Operation
        for persona in ("anon", "authenticated")
    )
    assert [one for one in report.target.notes if one.startswith("public buckets (wall): ")]


LISTS = (
    "select count(*) from storage.search('', {bucket}, 1000)",
    "select count(*) from storage.search_v2('', {bucket}, 1000)",
    "select count(*) from storage.search_by_timestamp('', {bucket}, 1000, 1, '', 'asc', 'updated_at', '')",
    "select count(*) from storage.list_objects_with_delimiter({bucket}, '', '/', 1000)",
    "select coalesce(sum(size), 0) from storage.get_size_by_bucket() where bucket_id = {bucket}",
)
OVERWRITES = (
    (
        "insert into storage.objects (bucket_id, name, owner, owner_id, version)"
        " values ({bucket}, {name}, {me}, {me}, '2')"
        " on conflict (bucket_id, name) do update set owner = {me}, owner_id = {me}, version = '2'"
    ),
    (
        "insert into storage.objects (bucket_id, name, owner, owner_id, version)"
        " select bucket_id, {me} || '/copied.txt', {me}, {me}, '2' from storage.objects where name = {name}"
    ),
    "update storage.objects set name = {me} || '/moved.txt', owner = {me} where bucket_id = {bucket} and name = {name}",
    "delete from storage.objects where bucket_id = {bucket} and name = {name}",
)


@pytest.mark.parametrize(
    "policies",
    [
        # Here each of the requests gets through.
        "create policy a on storage.objects using (true)",
        f"create policy a on storage.objects using ({MINE})",
        f"create policy a on storage.objects using ({FOLDER}) with check (true)",
        ("create policy a on storage.objects for select using (bucket_id = 'wall');"
        "create policy b on storage.objects for insert with check (true)"),
        (f"create policy a on storage.objects for update using (true) with check ({MINE});"
        "create policy b on storage.objects for insert with check (true)"),
        ("create policy a on storage.objects for select using (true);"
        f"create policy b on storage.objects for delete using ({MINE})"),
    ],
)  # fmt: skip
def test_requests_of_the_api_get_no_further_than_plain_statements(supabase_database: str, policies: str) -> None:
    """Listing gives what SELECT gives; overwriting, copying, moving and deleting do what plain statements do."""
    with psycopg.connect(supabase_database) as connection:
        connection.execute(policies.encode())
        connection.execute("insert into storage.buckets (id, name) values ('wall', 'wall'), ('docs', 'docs')")
        connection.execute(
            "insert into storage.objects (bucket_id, name, owner_id, metadata)"
            " select b, %s || '/' || b, %s, '{\"size\": 1}' from unnest(array['wall', 'docs']) as b",
            [OWNER, OWNER],
        )
        for bucket in ("wall", "docs"):
            given = {"bucket": f"'{bucket}'", "name": f"'{OWNER}/{bucket}'", "me": f"'{STRANGER}'"}
            seen = _asked(connection, f"select count(*) from storage.objects where bucket_id = '{bucket}'")
            assert [_asked(connection, one.format(**given)) for one in LISTS] == [seen] * len(LISTS)
            plain = {
                "insert": seen,
                "update": max(
                    _asked(connection, f"update storage.objects set {one}")
                    for one in ("version = '3'", f"owner_id = '{STRANGER}'", f"name = '{STRANGER}/x'")
                ),
                "delete": _asked(connection, "delete from storage.objects"),
            }
            # A condition would add the SELECT policies, which a statement that picks a row by its place does without.
            for one in OVERWRITES:
                # An overwrite is an UPDATE of the file that is there, and a copy reads it.
                limit = plain["update" if "do update" in one else one.partition(" ")[0]]
                reached = _asked(connection, one.format(**given))
                assert reached <= limit, one
                assert reached == 1 or "using (true)" not in policies or "for " in policies, one
        connection.rollback()


def _asked(connection: psycopg.Connection[tuple[int]], sql: str) -> int:
    """How many rows a statement of the stranger's counts or writes; none where it fails. It is undone again."""
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(
                "select set_config('request.jwt.claims', %s, true), set_config('role', 'authenticated', true),"
                " set_config('storage.allow_delete_query', 'true', true)",
                [json.dumps({"sub": STRANGER, "role": "authenticated"})],
            )
            cursor = connection.execute(sql.encode())
            row = cursor.fetchone() if sql.startswith("select") else None
            return int(row[0]) if row is not None else cursor.rowcount
    except psycopg.errors.InsufficientPrivilege:
        return 0
