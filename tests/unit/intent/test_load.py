from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from rlsaudit.errors import IntentError
from rlsaudit.intent import load
from rlsaudit.model import Operation, Persona, Reach

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rlsaudit.intent import Intent

    Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str) -> Path:
        path = tmp_path / "rlsaudit.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def reach(intent: Intent, persona: str, relation: str = "public.posts", operation: Operation = Operation.SELECT) -> str:
    role = {"anonymous-sign-in": "authenticated"}.get(persona, persona)
    return intent.intended(persona, role, relation, operation, protected=True)


def test_without_a_file_supabase_means_nothing_for_visitors_and_own_rows_for_users() -> None:
    intent = load(None, "supabase")
    for operation in Operation:
        assert reach(intent, "anon", operation=operation) == "none"
        assert reach(intent, "authenticated", operation=operation) == "own"
        assert reach(intent, "anonymous-sign-in", operation=operation) == "own"
        assert reach(intent, "some_other_role", operation=operation) == "none"


@pytest.mark.parametrize("operation", Operation)
def test_without_a_file_postgres_trusts_grants_until_somebody_protects_rows(operation: Operation) -> None:
    intent = load(None, "postgres")
    assert intent.intended("app", "app", "public.t", operation, protected=False) is Reach.ALL
    assert intent.intended("app", "app", "public.t", operation, protected=True) is Reach.OWN


def test_the_file_wins_over_its_pack_and_later_entries_over_earlier_ones(write: Write) -> None:
    intent = load(
        write("""
        [[allow]]
        relation = "public.*"
        persona = ["anon", "authenticated"]
        select = "all"
        [[allow]]
        relation = ["public.posts", "public.drafts"]
        persona = "anon"
        select = "some"
        """),
        "supabase",
    )
    assert reach(intent, "anon") == "some"
    assert reach(intent, "anon", "public.tags") == "all"
    assert reach(intent, "anon", "private.tags") == "none"
    assert reach(intent, "anonymous-sign-in") == "all"
    assert reach(intent, "anon", operation=Operation.INSERT) == "none"
    assert reach(intent, "authenticated", operation=Operation.INSERT) == "own"


def test_an_entry_that_says_nothing_about_an_operation_leaves_it_to_the_ones_before(write: Write) -> None:
    intent = load(
        write("""
        [[allow]]
        relation = "public.posts"
        persona = "anon"
        select = "all"
        [[allow]]
        relation = "public.posts"
        persona = "anon"
        insert = "all"
        """),
        "supabase",
    )
    assert reach(intent, "anon") == "all"


def test_an_entry_for_everybody_gives_anon_no_rows_of_its_own(write: Write) -> None:
    intent = load(write('[[allow]]\nrelation = "*"\npersona = "*"\nselect = "own"'), "supabase")
    assert reach(intent, "anon") == "none"
    assert reach(intent, "whoever") == "own"


def test_protected_limits_an_entry(write: Write) -> None:
    path = write('[[allow]]\nrelation = "public.*"\npersona = "anon"\nprotected = false\nselect = "all"')
    intent = load(path, "supabase")
    assert intent.intended("anon", "anon", "public.t", Operation.SELECT, protected=False) is Reach.ALL
    assert intent.intended("anon", "anon", "public.t", Operation.SELECT, protected=True) is Reach.NONE


def test_names_keep_their_case_and_lose_their_quotes(write: Write) -> None:
    intent = load(write('[[allow]]\nrelation = "public.Order"\npersona = "anon"\nselect = "all"'), "supabase")
    assert reach(intent, "anon", 'public."Order"') == "all"
    assert reach(intent, "anon", "public.order") == "none"


def test_only_what_the_file_says_is_declared(write: Write) -> None:
    intent = load(write('[[allow]]\nrelation = "public.p*"\npersona = "authenticated"\nselect = "own"'), "supabase")
    assert intent.declared("authenticated", "public.posts", Operation.SELECT)
    assert intent.declared("anonymous-sign-in", "public.posts", Operation.SELECT, role="authenticated")
    assert not intent.declared("authenticated", "public.posts", Operation.INSERT)
    assert not intent.declared("authenticated", "public.tags", Operation.SELECT)
    assert not intent.declared("anon", "public.posts", Operation.SELECT)


def test_the_file_adds_names_of_columns_and_takes_them_out(write: Write) -> None:
    path = write('[columns]\nsensitive = ["Nick*", "!address"]\nowner = ["whose"]\ntenant = ["studio_id"]')
    intent = load(path, "supabase")
    assert intent.is_sensitive("public.t", "nickname")
    assert intent.is_sensitive("public.t", "email")
    assert not intent.is_sensitive("public.t", "address")
    assert intent.names_owner("whose")
    assert intent.names_owner("user_id")
    assert intent.names_tenant("studio_id")
    assert intent.names_tenant("org_id")


def test_a_role_without_its_settings_may_do_what_all_personas_of_it_may(write: Write) -> None:
    file = write("""
    [[persona]]
    name = "gym"
    role = "gym_app"
    settings = { "app.tenant" = "$tenant" }
    [[persona]]
    name = "chain"
    role = "gym_app"
    settings = { "app.tenant" = "$tenant", "app.chain" = "yes" }
    [[allow]]
    relation = "public.*"
    persona = ["gym", "chain"]
    select = "all"
    [[allow]]
    relation = "public.members"
    persona = "gym"
    select = "own"
    [[allow]]
    relation = "public.secrets"
    persona = "gym_app-unset"
    select = "none"
    [[function]]
    name = "public.prices"
    callable_by = ["gym", "chain"]
    [[function]]
    name = "public.revenue"
    callable_by = ["chain"]
    """)
    intent = load(file, "supabase")
    found = {
        one: intent.intended("gym_app-unset", "gym_app", f"public.{one}", Operation.SELECT, protected=True).value
        for one in ("prices", "members", "secrets")
    }
    assert found == {"prices": "all", "members": "own", "secrets": "none"}
    called = [
        intent.function_allowed(f"public.{one}()", "gym_app-unset", role="gym_app") for one in ("prices", "revenue")
    ]
    assert called == [True, False]
    asked = intent.deciding("gym_app-unset", "gym_app", "public.prices", Operation.SELECT, protected=True)
    assert asked is not None
    assert not asked.expected


def test_columns_that_are_meant_to_be_seen_are_so_in_their_relation_only(write: Write) -> None:
    path = write('[[allow]]\nrelation = "public.shops"\npersona = "anon"\ncolumns = ["phone", "addr*"]')
    intent = load(path, "supabase")
    assert not intent.is_sensitive("public.shops", "Address")
    assert intent.is_sensitive("public.shops", "email")
    assert intent.is_sensitive("public.people", "phone")


def test_functions(write: Write) -> None:
    path = write("""
        [[function]]
        name = ["public.search", "public.sum(integer[], text[])", "api.*"]
        callable_by = "anon"
        [[function]]
        name = "api.internal(*)"
        callable_by = []
        """)
    intent = load(path, "supabase")
    assert intent.function_allowed("public.search(text)", "anon")
    assert intent.function_allowed("public.search(text, integer)", "anon")
    assert not intent.function_allowed("public.search(text)", "authenticated")
    assert intent.function_allowed("public.sum(integer[], text[])", "anon")
    assert not intent.function_allowed("public.sum(text)", "anon")
    assert intent.function_allowed("api.f()", "anon")
    assert not intent.function_allowed("api.internal(text)", "anon")
    assert not intent.function_allowed("public.other()", "anon")
    assert intent.function_allowed("auth.uid()", "anonymous-sign-in", role="authenticated")


def test_buckets_personas_and_schemas(write: Write) -> None:
    path = write("""
        schemas = ["api"]
        [[persona]]
        name = "gym"
        role = "gym_app"
        claims = { app_metadata = { level = 3, tags = ["a"] } }
        settings = { "app.tenant_id" = "$tenant" }
        [buckets]
        public = ["avatars", "public-*"]
        """)
    intent = load(path, "postgres")
    assert intent.schemas == ("api",)
    assert intent.personas == (
        Persona(
            name="gym",
            role="gym_app",
            claims={"app_metadata": {"level": 3, "tags": ["a"]}},
            settings={"app.tenant_id": "$tenant"},
        ),
    )
    assert intent.bucket_public("avatars")
    assert intent.bucket_public("public-files")
    assert not intent.bucket_public("invoices")


def test_a_file_may_start_from_another_pack(write: Write) -> None:
    assert reach(load(write('extends = "postgres"'), "supabase"), "whoever") == "own"
    assert reach(load(write('extends = "base"'), "supabase"), "authenticated") == "none"


def test_a_file_is_extended_once_however_it_is_spelled(write: Write, tmp_path: Path) -> None:
    (tmp_path / "ours.toml").write_text('[[persona]]\nname = "gym"\nrole = "gym_app"\n', "utf-8")
    (tmp_path / "more.toml").write_text(f'extends = "../{tmp_path.name}/ours.toml"\n', "utf-8")
    intent = load(write('extends = ["ours.toml", "more.toml"]'), "postgres")
    assert [one.name for one in intent.personas] == ["gym"]


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("alow = 3", 'top level: the key "alow" is unknown', 'Did you mean "allow"?'),
        ('[[allow]]\nrelation = "a.b"\npersona = "x"\nselct = "all"', '[[allow]] 1: the key "selct"', '"select"'),
        ("[columns]\nsensitiv = []", 'columns: the key "sensitiv" is unknown', '"sensitive"'),
        ("zzz = 1", 'the key "zzz" is unknown', "Known here: extends, schemas, columns"),
        ('[[allow]]\nselect = "all"', 'the key "relation" is missing', "Keys here: relation, persona"),
        ('[[allow]]\nrelation = "a.b"\nselect = "all"', 'the key "persona" is missing', "Keys here"),
        ('[[allow]]\nrelation = "a.b"\npersona = "x"\nselect = "unknown"', "'unknown' is not a reach", "none, own"),
        ('[[allow]]\nrelation = 3\npersona = "x"', "[[allow]] 1, relation: expected text or a list", "type"),
        ('[[allow]]\nrelation = ["a.b", 3]\npersona = "x"', "[[allow]] 1, relation: expected text, got int", "type"),
        ('[allow]\nrelation = "a.b"', "allow: expected a list, got a table", "[[allow]], with two brackets"),
        ('[[columns]]\nowner = ["a"]', "columns: expected a table, got a list", "[columns], with one bracket"),
        ('[[allow]]\nrelation = "a.b"\npersona = "x"\nprotected = "yes"', "protected: expected true or false", "type"),
        ('[[persona]]\nname = "a"\nrole = "b"\nsettings = { "a.b" = 3 }', "settings: expected text", '42 as "42"'),
        ("x = = 3", "is not TOML: Invalid value (at line 1, column 5)", "quotes"),
        ('a = 1\na = "', "is not TOML: ", "quotes"),
        ('extends = "supbase"', 'no pack "supbase"', 'Did you mean "supabase"?'),
        ('extends = "../base"', 'no pack "../base"', ""),
        ('[[allow]]\nrelation = "posts"\npersona = "anon"\nselect = "all"', "names no schema", ""),
        ('[[allow]]\nrelation = "a.b"\npersona = "anon"', "[[allow]] 1: it allows nothing", ""),
        ('[[allow]]\nrelation = []\npersona = "anon"\nselect = "all"', "an empty list names nothing", ""),
        ('[[allow]]\nrelation = "a.b"\npersona = ["x", "anon"]\nupdate = "own"', "anon has no identity", ""),
        ('[[function]]\nname = "search(text)"\ncallable_by = "anon"', "names no schema", ""),
        ('[[persona]]\nname = "anon"\nrole = "x"', 'the persona "anon" is built in', "another name"),
        ('[[persona]]\nname = "public"\nrole = "x"', "cannot be the name of a persona", ""),
        ('[[persona]]\nname = "a"\nrole = " "', "the role is empty", ""),
        (
            '[[persona]]\nname = "a"\nrole = "x"\n[[persona]]\nname = "a"\nrole = "y"',
            "[[persona]] 2: there are two",
            "",
        ),
        ('[[persona]]\nname = "a"\nrole = "x"\nclaims = { exp = 1979-05-27 }', "claims are JSON", ""),
        ('[[persona]]\nname = "a"\nrole = "x"\nclaims = { exp = inf }', "claims are JSON", ""),
        ('[[persona]]\nname = "a"\nrole = "x"\nsettings = { "" = "x" }', "a setting has no name", ""),
    ],
)
def test_what_is_wrong_is_said_with_file_and_place(write: Write, text: str, message: str, hint: str) -> None:
    path = write(text)
    with pytest.raises(IntentError) as caught:
        load(path, "supabase")
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert str(path) in caught.value.message
    assert "$" not in caught.value.message
    assert "`" not in caught.value.message


def test_the_built_in_names_of_supabase_are_free_elsewhere(write: Write) -> None:
    assert load(write('[[persona]]\nname = "anon"\nrole = "web_anon"'), "postgres").personas


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "intent.toml"
    path.write_bytes(b'\xef\xbb\xbfschemas = ["api"]\r\n')
    assert load(path, "supabase").schemas == ("api",)


def test_a_file_that_is_not_utf_8_is_told_with_the_line(tmp_path: Path) -> None:
    path = tmp_path / "intent.toml"
    path.write_bytes(b"# ok\n# caf\xe9\n")
    with pytest.raises(IntentError, match="is not UTF-8: see line 2"):
        load(path, "supabase")


def test_a_missing_file_a_directory_and_a_device_are_no_intent_files(tmp_path: Path) -> None:
    with pytest.raises(IntentError, match="There is no such file"):
        load(tmp_path / "none.toml", "supabase")
    with pytest.raises(IntentError, match="It is a directory"):
        load(tmp_path, "supabase")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(IntentError, match="no file"):
        load(tmp_path / "pipe", "supabase")
    with pytest.raises(IntentError, match="cannot be read"):
        load(tmp_path / "a\0b", "supabase")


def test_a_file_that_may_not_be_read(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = write("")
    # Not by chmod: the tests may run as root, whom no mode stops.
    monkeypatch.setattr("pathlib.Path.open", refuse)
    with pytest.raises(IntentError, match="Permission denied"):
        load(path, "supabase")


def test_a_file_that_cannot_be_an_intent_file_by_its_size(tmp_path: Path) -> None:
    path = tmp_path / "intent.toml"
    path.write_bytes(b"#" * (5 * 1024 * 1024))
    with pytest.raises(IntentError, match="too large"):
        load(path, "supabase")


def test_deep_nesting_is_told_and_does_not_crash(write: Write) -> None:
    with pytest.raises(IntentError, match="is not TOML"):
        load(write("a = " + "[" * 100_000), "supabase")


def test_columns_are_meant_for_those_that_an_entry_is_about(write: Write) -> None:
    path = write('[[allow]]\nrelation = "public.t"\npersona = "authenticated"\ncolumns = ["token"]')
    intent = load(path, "supabase")
    assert intent.is_meant("public.t", "token")
    assert intent.is_meant("public.t", "token", "aal2", "authenticated")
    assert not intent.is_meant("public.t", "token", "anon", "anon")
