"""No message holds a credential, and every failure to connect says what to do next."""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import threading
import traceback
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlsaudit.connect import check_version, connect, mask, secrets_in, target_from
from rlsaudit.errors import AuditError, ConnectionFailedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Nothing in our own sentences is spelt with these, so a piece of the password in a message was put there by a leak.
ALPHABET = "QXZJVK789@:/?#%&=+ '\"\\[]{}$!,;<>|é√😀"
PASSWORDS = st.text(ALPHABET, min_size=6, max_size=24)
NOWHERE = "127.0.0.1:1"


@pytest.fixture(autouse=True, scope="module")
def no_name_server() -> Iterator[None]:
    """Names under .invalid are unknown at once, whatever name server this machine has."""
    ask = socket.getaddrinfo

    def answer(host: str, *args: object, **options: object) -> object:
        if host.endswith(".invalid"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return ask(host, *args, **options)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", answer)
        yield


def quoted_value(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


SPELLINGS: dict[str, Callable[[str], str]] = {
    "raw": lambda password: f"postgresql://me:{password}@{NOWHERE}/db",
    "encoded": lambda password: f"postgresql://me:{quote(password, safe='')}@{NOWHERE}/db",
    "in a query": lambda password: f"postgresql://me@{NOWHERE}/db?password={quote(password, safe='')}",
    "raw in a query": lambda password: f"postgresql://me@{NOWHERE}/db?password={password}",
    "of the key": lambda password: f"postgresql://me@{NOWHERE}/db?sslpassword={quote(password, safe='')}",
    "several hosts": lambda password: f"postgresql://me:{quote(password, safe='')}@{NOWHERE},[::1]:1/db",
    "a pair": lambda password: f"host=127.0.0.1 port=1 user=me password={quoted_value(password)}",
    "a raw pair": lambda password: f"host=127.0.0.1 port=1 user=me password={password}",
    "a quote too few": lambda password: f"host=127.0.0.1 port=1 password='{password}",
    "a wrong port": lambda password: f"postgresql://me:{quote(password, safe='')}@127.0.0.1:x1/db",
    "a wrong key": lambda password: f"postgresql://me:{quote(password, safe='')}@{NOWHERE}/db?passwort={password}",
    "a wrong value": lambda password: f"postgresql://me:{quote(password, safe='')}@{NOWHERE}/db?sslmode=x",
    "a wrong scheme": lambda password: f"mysql://me:{password}@{NOWHERE}/db",
    "alone": lambda password: password,
    "as an option": lambda password: f"{password}={password}",
    "a wrong host": lambda password: f"postgresql://me:{quote(password, safe='')}@no-such-host.invalid/db",
    "an open bracket": lambda password: f"postgresql://me:{quote(password, safe='')}@[::1/db",
    "as the user": lambda password: f"postgresql://{quote(password, safe='')}:{quote(password, safe='')}@{NOWHERE}/db",
}


def everything_said(error: AuditError) -> str:
    return "\n".join([error.message, error.hint, str(error), repr(error), *traceback.format_exception(error)])


def assert_free_of(password: str, text: str) -> None:
    # The lines of a traceback that quote this file hold names of variables and no values.
    for spelling in (password, quote(password, safe=""), quote_plus(password), repr(password)[1:-1]):
        assert spelling not in text
    for piece in re.split(r"[@:/?#%&=+ '\"\\\[\]]", password):
        if len(piece) > 3:
            assert piece not in text


@pytest.mark.parametrize("spelling", SPELLINGS)
@settings(max_examples=40, deadline=None)
@given(password=PASSWORDS)
def test_no_error_of_a_connection_string_holds_its_password(spelling: str, password: str) -> None:
    conninfo = SPELLINGS[spelling](password)
    with pytest.raises(AuditError) as caught:
        connect(target_from(conninfo, {}), connect_timeout=2)
    assert_free_of(password, everything_said(caught.value))
    with pytest.raises(AuditError) as caught:
        connect(conninfo, connect_timeout=2)
    assert_free_of(password, everything_said(caught.value))
    with pytest.raises(AuditError) as caught:
        connect(target_from(None, {"DATABASE_URL": conninfo}), connect_timeout=2)
    assert_free_of(password, everything_said(caught.value))


@given(password=st.text(min_size=1, max_size=20).filter(lambda one: "*" not in one), around=st.text(max_size=10))
def test_every_spelling_of_a_secret_is_masked(password: str, around: str) -> None:
    for spelling in (password, password.replace("\\", "\\\\").replace("'", "\\'")):
        assert password not in mask(f"{around}{spelling}{around}", [password])
    encoded = quote(password, safe="")
    for spelling in (encoded, quote_plus(password, safe=""), re.sub("%..", lambda found: found[0].lower(), encoded)):
        assert mask(spelling, [password]) == "***"


def test_a_secret_within_a_secret_leaves_no_rest() -> None:
    assert mask("x hunter2hunter3 y hunter2", ["hunter2", "hunter2hunter3"]) == "x *** y ***"


def test_no_secret_masks_nothing() -> None:
    assert mask("text", []) == "text"
    assert mask("text", [""]) == "text"


@pytest.mark.parametrize(
    ("conninfo", "secret"),
    [
        ("postgres://u:p%40ss@h/d", "p@ss"),
        ("postgres://u:p%40ss@h/d", "p%40ss"),
        ("postgres://u:p@ss@h/d", "p@ss"),
        ("postgres://u:p/s:s@h/d", "p/s:s"),
        ("postgres://h/d?password=s3cret&x=y", "s3cret"),
        ("postgres://h/d?sslpassword=s3cret", "s3cret"),
        ("host=h password='it''s'", "it"),
        (r"host=h password='it\'s'", "it's"),
        ("host=h PASSWORD = s3cret", "s3cret"),
    ],
)
def test_secrets_are_found_in_what_libpq_refuses_too(conninfo: str, secret: str) -> None:
    assert secret in secrets_in(conninfo)


def test_the_password_of_the_environment_is_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "from the environment")
    assert "from the environment" in secrets_in("")


class TestTarget:
    def test_the_argument_comes_first_then_database_url_then_libpq(self) -> None:
        environ = {"DATABASE_URL": "postgres://a/b", "PGHOST": "c"}
        assert target_from("postgres://x/y", environ) == "postgres://x/y"
        assert target_from(None, environ) == "postgres://a/b"
        assert target_from(None, {"DATABASE_URL": " ", "PGHOST": "c"}) == ""

    @pytest.mark.parametrize("variable", ["PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGSERVICE", "PGSERVICEFILE"])
    def test_one_variable_of_libpq_is_enough(self, variable: str) -> None:
        assert target_from(None, {variable: "x"}) == ""

    @pytest.mark.parametrize("environ", [{}, {"PGHOST": ""}, {"PGPASSWORD": "x"}, {"DATABASE_URL": ""}])
    def test_nothing_given_says_how_to_give_one(self, environ: dict[str, str]) -> None:
        with pytest.raises(UsageError) as caught:
            target_from(None, environ)
        assert "DATABASE_URL" in caught.value.hint

    @pytest.mark.parametrize(
        ("given_text", "used"),
        [
            ("postgres://u:p@h/d", "postgres://u:p@h/d"),
            ("postgresql://u@h/d", "postgresql://u@h/d"),
            ("POSTGRES://u@h/d", "postgres://u@h/d"),
            ("postgresql+asyncpg://u@h/d", "postgresql://u@h/d"),
            (' "postgres://u@h/d" \n', "postgres://u@h/d"),
            ("host=h dbname=d", "host=h dbname=d"),
            ("dbname = 'a b'", "dbname = 'a b'"),
            ("postgres://u@h:6543/d?pgbouncer=true", "postgres://u@h:6543/d"),
            ("postgres://u@h/d?schema=public&sslmode=require&connection_limit=1", "postgres://u@h/d?sslmode=require"),
            ("postgres://u:a?pgbouncer=b@h/d?supa=x", "postgres://u:a?pgbouncer=b@h/d"),
            ("postgres://u:a%40@h:1,[::1]:2/d", "postgres://u:a%40@h:1,[::1]:2/d"),
            ("postgres:///d?host=/tmp", "postgres:///d?host=/tmp"),
        ],
    )
    def test_what_is_accepted(self, given_text: str, used: str) -> None:
        assert target_from(given_text, {}) == used

    @pytest.mark.parametrize(
        ("text", "message", "hint"),
        [
            ("", "is empty", "postgresql://"),
            ("   ", "is empty", "postgresql://"),
            ("mydb", "is neither", "postgresql://"),
            ("https://abc.supabase.co", "is a web address", "Session pooler"),
            ("mysql://u@h/d", "is not for Postgres", "postgresql://"),
            ("postgres://u:p@ss@h/d", "characters that mean something else", "%40"),
            ("postgres://u:p/ss@h/d", "characters that mean something else", "%2F"),
            ("postgres://u:p%ss@h/d", "a % is not followed", "%25"),
            ("postgres://u:p@h:abc/d", "port is not a number", "%3A"),
            ("postgres://u@h/d?nope=1", "a parameter after the ?", ""),
            ("passwort=x", "a key that libpq does not know", ""),
            ("password=a b", "a word stands without", "single quotes"),
            ("password='a", "a quote is not closed", ""),
            ("postgres://u:[YOUR-PASSWORD]@h/d", "a placeholder", "password"),
            ("postgres://u:p%ffss@h/d", "what is no text", "%25"),
            ("postgres://u@h/d?password=%87", "what is no text", "%25"),
            ("host=a\0b", "NUL", ""),
            ("host=\udce9", "cannot be understood", ""),
        ],
    )
    def test_what_is_refused_says_why_and_what_to_do(self, text: str, message: str, hint: str) -> None:
        with pytest.raises(UsageError) as caught:
            target_from(text, {})
        assert message in caught.value.message
        assert hint in caught.value.hint


class TestVersion:
    @pytest.mark.parametrize("number", [140_000, 140_020, 150_020, 170_010, 180_000])
    def test_from_14_on_it_is_fine(self, number: int) -> None:
        check_version(number)

    @pytest.mark.parametrize(("number", "named"), [(130_023, "13.23"), (100_001, "10.1"), (90_624, "9.6")])
    def test_an_older_server_is_told_its_version_and_ours(self, number: int, named: str) -> None:
        with pytest.raises(ConnectionFailedError) as caught:
            check_version(number)
        assert f"Postgres {named};" in caught.value.message
        assert "14" in caught.value.message
        assert caught.value.hint


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


def fatal(text: str, code: str = "XX000") -> bytes:
    fields = {b"S": "FATAL", b"V": "FATAL", b"C": code, b"M": text}
    return message(b"E", b"".join(key + value.encode() + b"\0" for key, value in fields.items()) + b"\0")


def welcome(**parameters: str) -> bytes:
    told = b"".join(message(b"S", key.encode() + b"\0" + value.encode() + b"\0") for key, value in parameters.items())
    return message(b"R", struct.pack("!i", 0)) + told + message(b"Z", b"I")


@contextlib.contextmanager
def something_that_answers(answer: bytes | None) -> Iterator[str]:
    """A server that answers whatever it is told with the same bytes, after refusing TLS; None: it says nothing."""
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def serve_one(client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            client.settimeout(5)
            first = client.recv(8)
            if not answer:
                over.wait(0 if answer == b"" else 10)
                return
            if first.endswith((struct.pack("!i", 80877103), struct.pack("!i", 80877104))):
                client.sendall(b"N" if answer[:1] in b"ERS" else answer)
                client.recv(1024)
            client.sendall(answer)
            client.recv(1024)

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                serve_one(listener.accept()[0])

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"postgresql://some_user:QXZJV789@127.0.0.1:{listener.getsockname()[1]}/some_db"
    finally:
        over.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


@pytest.mark.parametrize(
    ("said", "understood"),
    [
        ("Tenant or user not found", 'does not know the user "some_user"'),
        ("(ENOTFOUND) tenant/user postgres.abc not found", "does not know the user"),
        ('password authentication failed for user "some_user"', 'refused the user "some_user" or the password'),
        ("SASL authentication failed", "or the password"),
        ('role "some_user" does not exist', 'has no role "some_user"'),
        ('role "some_user" is not permitted to log in', "may not log in"),
        ('database "some_db" does not exist', 'has no database "some_db"'),
        ("no such database: some_db", "has no database"),
        ('permission denied for database "some_db"', "may not connect to the database"),
        ('no pg_hba.conf entry for host "1.2.3.4", user "u", database "d", no encryption', "without TLS"),
        ('no pg_hba.conf entry for host "1.2.3.4", user "u", database "d", SSL encryption', "does not admit"),
        ("SSL connection is required", "without TLS"),
        ("sorry, too many clients already", "no connection left"),
        ("remaining connection slots are reserved for roles with the SUPERUSER attribute", "no connection left"),
        ("MaxClientsInSessionMode: max clients reached - in Session mode", "no connection left"),
        ("no more connections allowed (max_client_conn)", "no connection left"),
        ("the database system is starting up", "not accepting connections now"),
        ("unsupported startup parameter: options", "does not accept a parameter"),
    ],
)
def test_what_servers_and_poolers_say_is_put_in_plain_words(said: str, understood: str) -> None:
    with something_that_answers(fatal(said)) as conninfo, pytest.raises(ConnectionFailedError) as caught:
        connect(conninfo, connect_timeout=5)
    assert understood in caught.value.message
    assert caught.value.hint
    assert_free_of("QXZJV789", everything_said(caught.value))


def test_what_is_said_in_another_language_is_repeated_without_the_password() -> None:
    said = fatal("Das Passwort \x1b[31mQXZJV789 ist falsch")
    with something_that_answers(said) as conninfo, pytest.raises(ConnectionFailedError) as caught:
        connect(conninfo, connect_timeout=5)
    assert "Das Passwort  [31m*** ist falsch" in caught.value.message
    assert_free_of("QXZJV789", everything_said(caught.value))


@pytest.mark.parametrize(
    "answer",
    [b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n\r\nQXZJV789\r\n", b"SSH-2.0-OpenSSH_9.2\r\n", b""],
    ids=["http", "ssh", "hangs up"],
)
def test_what_is_no_postgres_is_called_so(answer: bytes) -> None:
    with something_that_answers(answer) as conninfo, pytest.raises(ConnectionFailedError) as caught:
        connect(conninfo, connect_timeout=5)
    assert "does not speak as Postgres does" in caught.value.message
    assert_free_of("QXZJV789", everything_said(caught.value))


def test_a_server_that_says_nothing_is_given_up() -> None:
    with something_that_answers(None) as conninfo, pytest.raises(ConnectionFailedError, match="did not answer in time"):
        connect(conninfo, connect_timeout=2)


def test_the_console_of_pgbouncer_is_no_database() -> None:
    answer = welcome(server_version="1.18.0/bouncer", client_encoding="UTF8")
    with something_that_answers(answer) as conninfo, pytest.raises(ConnectionFailedError, match="admin console"):
        connect(conninfo, connect_timeout=5)


def test_another_database_system_is_refused() -> None:
    answer = welcome(server_version="13.0.0", crdb_version="CockroachDB CCL v23", client_encoding="UTF8")
    with something_that_answers(answer) as conninfo, pytest.raises(ConnectionFailedError, match="CockroachDB"):
        connect(conninfo, connect_timeout=5)


def test_a_server_that_has_no_tls_is_not_trusted_against_the_users_will() -> None:
    with (
        something_that_answers(welcome(server_version="17.1")) as conninfo,
        pytest.raises(ConnectionFailedError, match="does not offer TLS"),
    ):
        connect(f"{conninfo}?sslmode=require", connect_timeout=5)


def test_nothing_listens_there() -> None:
    with pytest.raises(ConnectionFailedError, match=r"Nothing listens at 127\.0\.0\.1:1\."):
        connect(f"postgresql://u@{NOWHERE}/d")


def test_several_hosts_are_named() -> None:
    with pytest.raises(ConnectionFailedError, match=r"Nothing listens at 127\.0\.0\.1:1, 127\.0\.0\.2:2\."):
        connect("host=127.0.0.1,127.0.0.2 port=1,2 user=u")


def test_an_unknown_host() -> None:
    with pytest.raises(ConnectionFailedError, match="host name of no-such-host"):
        connect("postgresql://u@no-such-host.invalid/d", connect_timeout=5)


def test_a_service_that_is_not_there() -> None:
    with pytest.raises(ConnectionFailedError, match="service"):
        connect("service=no_such_service_of_ours")
