"""The receipt of an audit: what was done, and what is known of what changed, whoever changed it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from installations import DUMPED
from psycopg.conninfo import conninfo_to_dict

from rlsaudit.audit import Options, audit
from rlsaudit.connect import connect, receipted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from command import Answer

    from rlsaudit.connect import Session
    from rlsaudit.engine import Server

TOOL = {"name": "rlsaudit", "version": "test"}
LOGIN = "receipt_login"


@pytest.fixture
def dsn(database: str) -> str:
    on(
        database,
        "create table public.notes (id serial, said text)",
        "insert into public.notes (said) values ('a')",
        "alter table public.notes enable row level security",
        "create policy p on public.notes using (true)",
    )
    return database


@pytest.fixture
def login(server: Server) -> Iterator[str]:
    """A role without any right, which goes after the database that grants it some."""
    with psycopg.connect(server.dsn("postgres"), autocommit=True) as admin:
        admin.execute(f"create role {LOGIN} login")
        yield LOGIN
        admin.execute(f"drop role {LOGIN}")


def on(dsn: str, *statements: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as admin:
        for one in statements:
            admin.execute(one.encode())


def receipt(session: Session, work: Callable[[], object], mode: str = "read") -> dict[str, Any]:
    """The receipt of some work."""
    kept: list[bytes] = []
    with receipted(session, mode, TOOL, kept.append):
        work()
    (document,) = kept
    found: dict[str, Any] = json.loads(document)
    return found


def what(found: dict[str, Any]) -> list[str]:
    return [one["what"] for one in found["changed"]]


def test_of_an_audit_it_says_that_nothing_changed_and_what_was_done(login: str, dsn: str) -> None:
    on(dsn, f"grant all on public.notes to {login}")
    with connect(dsn) as session:
        before = session.round_trips
        found = receipt(session, lambda: audit(session, Options(roles=(login,))))
        assert found["schema"] == "rlsaudit.receipt/1"
        assert found["server"]["database"] == conninfo_to_dict(dsn)["dbname"] == session.database
        assert found["server"]["role"] == session.user
        assert found["mode"] == "read"
        assert found["changed"] == []
        assert found["says"].startswith("Nothing changed: sequences, settings, roles, catalogs were compared")
        assert "No transaction of ours was given an id" in found["says"]
        kinds = found["statements"]["by_kind"]
        assert kinds["begin"] == kinds["rollback"] == found["transactions"]["number"] == 3
        assert kinds["do"] >= 1
        # The catalog, who reads which rows, and what of secrets is in those.
        assert found["transactions"]["looked_into"] == 3
        assert found["locks"]["strongest"] == "AccessShareLock"
        assert found["transaction_ids"]["ours"] == []
        sent = found["statements"]["round_trips"] + found["statements"]["for_the_receipt"]
        assert sent == session.round_trips - before
        sequences = found["compared"]["sequences"]
        assert sequences["before"]["values"] == sequences["after"]["values"] == {"public.notes_id_seq": "1"}


def test_the_audit_is_the_same_with_a_receipt(login: str, dsn: str) -> None:
    on(dsn, f"grant all on public.notes to {login}")
    with connect(dsn) as session:
        plain = audit(session, Options())
    with connect(dsn) as session, receipted(session, "read", TOOL, lambda _: None):
        assert audit(session, Options()) == plain


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("select nextval('public.notes_id_seq')", "sequence public.notes_id_seq changed"),
        ("create table public.more (id int)", "catalog pg_class changed"),
        ("create policy q on public.notes using (true)", "catalog pg_policy changed"),
        ("revoke update (said) on public.notes from public", ""),
        ("grant update (said) on public.notes to public", "catalog pg_attribute changed"),
        ("create function public.f() returns int language sql as 'select 1'", "catalog pg_proc changed"),
        ("alter role receipt_login createdb", "role receipt_login changed"),
        ("alter role receipt_login set search_path = ''", "catalog pg_db_role_setting changed"),
        ("grant pg_monitor to receipt_login", "role receipt_login changed"),
        ("create sequence public.came", "sequence public.came came"),
    ],
)
def test_what_others_change_meanwhile_is_told(login: str, dsn: str, change: str, told: str) -> None:
    assert login in LOGIN
    with connect(dsn) as session:
        found = receipt(session, lambda: on(dsn, change))
    if not told:
        assert found["changed"] == []
        return
    assert told in what(found)
    assert "Nothing changed" not in found["says"]
    assert "others write too" in found["says"]
    assert "No transaction of ours" in found["says"]
    if "nextval" not in change:  # which writes no row
        assert "Others wrote meanwhile" in found["says"]


def test_a_setting_that_another_value_was_loaded_for_is_told(dsn: str) -> None:
    with connect(dsn) as session:
        found = receipt(session, lambda: session.execute("set work_mem = '5MB'"))
    assert what(found) == ["setting work_mem changed"]


def test_what_stays_after_a_rollback_is_told(dsn: str) -> None:
    """A sequence that was advanced, an id that was used up: of our own, though all was rolled back."""

    def work() -> None:
        with session.rolled_back():
            session.execute("insert into public.notes (said) values ('b')")

    with connect(dsn) as session:
        found = receipt(session, work, "write")
    assert what(found) == ["sequence public.notes_id_seq changed"]
    assert [(one["before"], one["after"]) for one in found["changed"]] == [("1", "2")]
    (used,) = found["transaction_ids"]["ours"]
    assert found["transaction_ids"]["next_before"] <= used < found["transaction_ids"]["next_after"]
    assert "used up 1 or more transaction ids" in found["says"]
    assert found["locks"]["strongest"] == "RowExclusiveLock"
    assert found["statements"]["by_kind"]["insert"] == 1


def test_a_transaction_that_failed_is_counted_and_not_vouched_for(dsn: str) -> None:
    def work() -> None:
        with session.read_only(), pytest.raises(psycopg.errors.DivisionByZero):
            session.execute("select 1 / 0")

    with connect(dsn) as session:
        found = receipt(session, work)
    assert found["statements"]["by_kind"]["failed"] == 1
    assert (found["transactions"]["number"], found["transactions"]["looked_into"]) == (1, 0)
    assert "Of 1 transactions that failed it is not known" in found["says"]


def test_what_cannot_be_read_is_said(server: Server, login: str, dsn: str) -> None:
    as_login = server.dsn(str(conninfo_to_dict(dsn)["dbname"]), user=login)
    with connect(as_login) as session:
        found = receipt(session, lambda: audit(session, Options()))
    reasons = {one["what"]: one["reason"] for one in found["not_compared"]}
    assert reasons["sequence public.notes_id_seq"] == "this role may not read it"
    assert "rows" in reasons
    assert "Not compared: 1" in found["says"]
    assert found["changed"] == []


def test_a_part_that_is_locked_is_not_compared_and_the_others_are(dsn: str) -> None:
    with psycopg.connect(dsn) as other, connect(dsn) as session:
        other.execute("alter sequence public.notes_id_seq cycle")
        found = receipt(session, lambda: None)
        other.rollback()
    reasons = {one["what"]: one["reason"] for one in found["not_compared"]}
    assert "lock timeout" in reasons["sequences"]
    assert set(found["compared"]) == {"settings", "roles", "catalogs"}
    assert found["says"].startswith("Nothing changed: settings, roles, catalogs were compared")


def test_after_a_connection_is_lost_nothing_is_claimed(dsn: str) -> None:
    kept: list[bytes] = []

    def cut(session: Session) -> None:
        with receipted(session, "read", TOOL, kept.append):
            on(dsn, f"select pg_terminate_backend({session.connection.info.backend_pid})")
            with session.read_only():
                pass

    session = connect(dsn)
    with pytest.raises(psycopg.OperationalError):
        cut(session)
    session.close()
    found = json.loads(kept[0])
    assert found["says"].startswith("Nothing could be compared, so it is not known")
    assert {one["what"] for one in found["not_compared"]} >= {"sequences", "settings", "roles", "catalogs"}


def test_secrets_stay_out_of_it(login: str, dsn: str) -> None:
    on(dsn, f"alter role {login} password 'S3CRET'", f"alter role {login} set app.jwt_secret = 'S3CRET'")
    with connect(f"{dsn} password='S3CRET'") as session:
        found = receipt(session, lambda: on(dsn, f"alter role {login} set app.jwt_secret = 'S3CRET too'"))
    assert "S3CRET" not in json.dumps(found)
    assert f"role {login} changed" in what(found)


class TestTheCommands:
    def test_audit(self, ask: Callable[..., Answer], dsn: str, tmp_path: Path) -> None:
        said = ask("audit", dsn, "--receipt", "receipt.json", "--format", "json")
        assert said.code in {0, 1}, said.err
        found = json.loads((tmp_path / "receipt.json").read_text())
        assert (found["mode"], found["changed"]) == ("read", [])
        assert found["tool"]["name"] == "rlsaudit"

    def test_a_clone_tells_of_the_database_itself(
        self, ask: Callable[..., Answer], server: Server, dsn: str, tmp_path: Path
    ) -> None:
        if server.major > DUMPED:
            pytest.skip("no pg_dump of this major here")
        said = ask("audit", dsn, "--probe", "clone", "--receipt", "receipt.json")
        assert said.code in {0, 1}, said.err
        found = json.loads((tmp_path / "receipt.json").read_text())
        assert (found["mode"], found["changed"]) == ("clone", [])
        assert "do" not in found["statements"]["by_kind"]  # no probe was sent to it
        assert found["programs"][0].startswith("pg_dump")
        assert found["server"]["database"] == conninfo_to_dict(dsn)["dbname"]

    def test_check(self, ask: Callable[..., Answer], tmp_path: Path) -> None:
        (tmp_path / "a.sql").write_text("create table public.t (id int);")
        said = ask("check", "a.sql", "--receipt", "receipt.json")
        assert said.code in {0, 1}, said.err
        found = json.loads((tmp_path / "receipt.json").read_text())
        assert found["server"]["database"].endswith("replayed")
        assert found["changed"] == []

    def test_demo(self, ask: Callable[..., Answer], tmp_path: Path) -> None:
        assert ask("demo", "--receipt", "receipt.json").code == 0
        assert json.loads((tmp_path / "receipt.json").read_text())["server"]["database"] == "kilnhouse"

    def test_where_it_cannot_be_written_nothing_is_done(self, ask: Callable[..., Answer], dsn: str) -> None:
        ask("audit", dsn, "--receipt", "no/such/receipt.json").refused("receipt.json cannot be written")

    def test_a_snapshot_has_none(self, ask: Callable[..., Answer], tmp_path: Path) -> None:
        (tmp_path / "facts.json").write_text("{}")
        ask("audit", "facts.json", "--receipt", "receipt.json").refused("receipt")
        assert not Path(tmp_path / "receipt.json").exists()
