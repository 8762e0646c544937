from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from places import supabase, write

from rlsaudit.errors import UsageError
from rlsaudit.migrations import find
from rlsaudit.migrations.split import split
from rlsaudit.model import Location

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.migrations import Project

CONFIG = """
project_id = "shop"
[api]
schemas = ["public", "api"]
extra_search_path = ["extensions"]
auto_expose_new_tables = false
[db]
major_version = 15
[db.seed]
sql_paths = ["seeds/*.sql"]
[auth]
enable_anonymous_sign_ins = true
site_url = "env(URL)"
[auth.email]
enable_confirmations = false
[auth.hook.custom_access_token]
enabled = true
uri = "pg-functions://postgres/public/hook"

[storage.buckets.avatars]
public = true
"""


def names(project: Project) -> list[str]:
    return [one.name for one in project.scripts]


def runs(project: Project) -> list[tuple[str, int]]:
    found = []
    for one in project.scripts:
        text = one.path.read_text()
        found += [(each.sql, each.line) for each in split(one.cut(text) if one.cut else text)]
    return found


@contextmanager
def as_ordinary_user() -> Iterator[None]:
    """Root may read everything."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


@pytest.mark.parametrize("closed", [".", "supabase/migrations"])
def test_what_may_not_be_read_is_an_error_and_no_project_without_it(closed: str) -> None:
    with TemporaryDirectory() as directory:  # unlike tmp_path, other users get as far as this
        root = supabase(Path(directory).resolve(), "create table t (id int);")
        root.chmod(0o755)
        assert names(find(root)) == ["supabase/migrations/1_m.sql"]
        (root / closed).chmod(0)
        with as_ordinary_user(), pytest.raises(UsageError, match="may not be read by this user"):
            find(root)
        (root / closed).chmod(0o755)


def test_a_supabase_project(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            ".git/HEAD": "",
            "app/supabase/config.toml": "\ufeff" + CONFIG.replace("\n", "\r\n"),
            "app/supabase/roles.sql": "create role staff;",
            "app/supabase/migrations/20240102000000_b.sql": "",
            "app/supabase/migrations/20240101000000_a.sql": "",
            "app/supabase/migrations/20200101000000_init.sql": "",
            "app/supabase/migrations/notes.sql": "",
            "app/supabase/schemas/all.sql": "",
            "app/supabase/seeds/2.sql": "",
            "app/supabase/seeds/1.sql": "",
        },
    )
    for place in ("app/supabase/migrations", "app/supabase"):
        assert names(find(tmp_path / place)) == names(find(tmp_path / "app"))
    project = find(tmp_path / "app")
    assert (project.layout, project.platform) == ("supabase", "supabase")
    assert names(project) == [
        "app/supabase/roles.sql",
        "app/supabase/migrations/20240101000000_a.sql",
        "app/supabase/migrations/20240102000000_b.sql",
        "app/supabase/seeds/1.sql",
        "app/supabase/seeds/2.sql",
    ]
    assert [one.role for one in project.scripts] == ["roles", "migration", "migration", "seed", "seed"]
    settings = project.settings
    assert (settings.era, settings.major, settings.anonymous_sign_ins) == ("explicit", 15, True)
    assert settings.exposed == ("public", "api", "storage")
    assert settings.confirm_email is False
    assert settings.hooks == ("pg-functions://postgres/public/hook",)
    assert settings.buckets[0].location == Location("app/supabase/config.toml", 20)
    assert any("notes.sql" in one for one in project.notes)


def test_declared_schemas_stand_in_for_migrations(tmp_path: Path) -> None:
    config = 'project_id = "p"\n[db.migrations]\nschema_paths = ["./schemas/z.sql", "schemas/*.sql", "../../etc/*"]\n'
    files: dict[str, str | bytes] = {"supabase/config.toml": config}
    files |= {"supabase/schemas/a.sql": "", "supabase/schemas/z.sql": ""}
    assert names(find(write(tmp_path, files))) == ["supabase/schemas/z.sql", "supabase/schemas/a.sql"]


def test_without_a_word_on_it_new_tables_are_open(tmp_path: Path) -> None:
    assert find(supabase(tmp_path, "select 1;")).settings.era == "legacy"


def test_a_broken_configuration_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, {"supabase/config.toml": "[api\n", "supabase/migrations/1_a.sql": ""})
    with pytest.raises(UsageError, match=r"config\.toml cannot be understood"):
        find(tmp_path)


def test_dbmate(tmp_path: Path) -> None:
    text = "-- migrate:up transaction:false\ncreate table a ();\n-- migrate:down\ndrop table a;\n"
    project = find(write(tmp_path, {"db/migrations/1_a.sql": text}))
    assert project.layout == "dbmate"
    assert runs(project) == [("create table a ()", 2)]
    transaction = project.scripts[0].transaction
    assert callable(transaction)
    assert not transaction(text)
    assert transaction(text.replace("false", "true"))


def test_goose(tmp_path: Path) -> None:
    begin = "-- +goose Up\n-- +goose StatementBegin\ncreate table a ();\n-- +goose StatementEnd\n"
    text = f"{begin}-- +goose Down\ndrop table a;"
    project = find(write(tmp_path, {"migrations/10_b.sql": text, "migrations/2_a.sql": text, "migrations/3_c.go": ""}))
    assert names(project) == ["migrations/2_a.sql", "migrations/10_b.sql"]
    assert runs(project)[0] == ("create table a ()", 3)
    assert any("3_c.go" in one for one in project.notes)


def test_flyway(tmp_path: Path) -> None:
    place = "src/main/resources/db/migration"
    files: dict[str, str | bytes] = {
        f"{place}/{name}.sql": "" for name in ("V10__z", "V2_1__b", "V2__a", "R__views", "U2__a")
    }
    files[f"{place}/V2__a.sql.conf"] = "executeInTransaction=false\n"
    project = find(write(tmp_path, files))
    assert [one.rpartition("/")[2] for one in names(project)] == [
        "V2__a.sql",
        "V2_1__b.sql",
        "V10__z.sql",
        "R__views.sql",
    ]
    assert [one.transaction for one in project.scripts] == [False, True, True, True]


def test_sqitch(tmp_path: Path) -> None:
    plan = "%project=x\n\nbase 2024-01-01T00:00:00Z A <a@b> # n\n@v1 2024-01-01T00:00:00Z A <a@b>\n"
    plan += "view [base] 2024\nbase [base@v1] 2024\n"
    files: dict[str, str | bytes] = {"sqitch.plan": plan}
    files |= {f"deploy/{name}.sql": "" for name in ("base", "base@v1", "view")}
    project = find(write(tmp_path, files))
    assert names(project) == ["deploy/base@v1.sql", "deploy/view.sql", "deploy/base.sql"]


def test_golang_migrate(tmp_path: Path) -> None:
    names_of = ("2_b.up", "2_b.down", "10_c.up", "1_a.up")
    project = find(write(tmp_path, {f"migrations/{name}.sql": "" for name in names_of}))
    assert project.layout == "golang-migrate"
    assert names(project) == ["migrations/1_a.up.sql", "migrations/2_b.up.sql", "migrations/10_c.up.sql"]


def test_node_pg_migrate(tmp_path: Path) -> None:
    text = "-- Up Migration\ncreate table a ();\n-- Down Migration\ndrop table a;"
    project = find(write(tmp_path, {"migrations/1_a.sql": text}))
    assert (project.layout, runs(project)) == ("node-pg-migrate", [("create table a ()", 2)])


def test_prisma(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {f"prisma/migrations/{one}/migration.sql": "" for one in ("2_b", "1_a")}
    for place in ("", "prisma", "prisma/migrations"):
        project = find(write(tmp_path, files) / place)
        assert project.layout == "prisma"
        assert [one.path.parent.name for one in project.scripts] == ["1_a", "2_b"]


def test_drizzle(tmp_path: Path) -> None:
    journal = '{"entries": [{"idx": 1, "tag": "0001_b"}, {"idx": 0, "tag": "0000_z"}]}'
    files: dict[str, str | bytes] = {"drizzle/meta/_journal.json": journal, "drizzle/0001_b.sql": "select 3"}
    files["drizzle/0000_z.sql"] = "select 1\n--> statement-breakpoint\nselect 2;\n"
    project = find(write(tmp_path, files))
    assert runs(project) == [("select 1", 1), ("select 2", 3), ("select 3", 1)]
    (tmp_path / "drizzle/meta/_journal.json").write_text("[]")
    with pytest.raises(UsageError, match="no journal"):
        find(tmp_path)


def test_a_dump(tmp_path: Path) -> None:
    write(tmp_path, {"schema.sql": "--\n-- PostgreSQL database dump\n--\nselect auth.uid();"})
    project = find(tmp_path / "schema.sql")
    assert (project.layout, project.platform, names(project)) == ("dump", "supabase", ["schema.sql"])


def test_a_directory_of_sql(tmp_path: Path) -> None:
    project = find(write(tmp_path, {"2.sql": "select 2", "1.sql": "select 1"}))
    assert (project.layout, project.platform, names(project)) == ("sql", "postgres", ["1.sql", "2.sql"])


def test_nothing_there_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"Looked for: .*dbmate.*supabase/config\.toml"):
        find(tmp_path)
    with pytest.raises(UsageError, match="There is no"):
        find(tmp_path / "gone")
    with pytest.raises(UsageError, match="custom format"):
        find(write(tmp_path, {"a.dump": b"PGDMP\x01"}) / "a.dump")


def test_a_supabase_project_further_down(tmp_path: Path) -> None:
    """As in a repository of several packages."""
    write(tmp_path, {"node_modules/x/supabase/migrations/1_m.sql": "", "apps/web/a.ts": "", "1.txt": ""})
    with pytest.raises(UsageError, match="There are no migrations"):
        find(tmp_path)
    write(tmp_path, {"packages/db/supabase/migrations/1_m.sql": "select 1"})
    project = find(tmp_path)
    assert (project.layout, names(project)) == ("supabase", ["packages/db/supabase/migrations/1_m.sql"])
    assert "found below: packages/db/supabase" in project.notes
    write(
        tmp_path,
        {"examples/todo/supabase/config.toml": 'project_id = "p"', "examples/todo/supabase/migrations/1_m.sql": ""},
    )
    with pytest.raises(UsageError, match=r"several Supabase projects in .*: in examples/todo, packages/db\."):
        find(tmp_path)
    assert names(find(tmp_path / "examples")) == ["todo/supabase/migrations/1_m.sql"]


def test_two_tools_are_ambiguous(tmp_path: Path) -> None:
    write(tmp_path, {"migrations/1_a.up.sql": "", "prisma/migrations/1/migration.sql": ""})
    with pytest.raises(UsageError, match="more than one tool"):
        find(tmp_path)
    assert find(tmp_path, layout="prisma").layout == "prisma"
    with pytest.raises(UsageError, match="no layout"):
        find(tmp_path, layout="unheard-of")
