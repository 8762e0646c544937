"""The reasons for which servers, poolers and networks refuse a connection, and what to do about each."""

from __future__ import annotations

from typing import NamedTuple


class Reason(NamedTuple):
    """What a message looks like, in lower case, and what to say instead, with `{place}`, `{user}` and `{database}`."""

    sign: str
    message: str
    hint: str


_SUPABASE_STRING = "copy the string from the project's page on Supabase: Connect, Session pooler"

# The first that fits is said. What a server said comes before what the network did: of several addresses that were
# tried, one that answered is the one the user means.
CONNECTION = (
    Reason(
        r"tenant or user not found|tenant/user .* not found|no tenant identifier",
        "The pooler at {place} does not know the user {user}.",
        f"A Supabase pooler wants the user postgres.<project> and the host of its region: {_SUPABASE_STRING}.",
    ),
    Reason(
        r"no password supplied|empty password",
        "The server at {place} wants a password for user {user}, and none is given.",
        "Put it into the connection string, PGPASSWORD or ~/.pgpass.",
    ),
    Reason(
        r"password authentication failed|sasl authentication failed|wrong password|\bauthentication failed",
        "The server at {place} refused the user {user} or the password.",
        "Check both. In a URL, percent-encode the password's special characters: @ is %40, : %3A, / %2F, % %25.",
    ),
    Reason(
        r'role ".*" does not exist|no such user',
        "The server at {place} has no role {user}.",
        "Check the user name in the connection string.",
    ),
    Reason(
        r"is not permitted to log in",
        "The role {user} at {place} may not log in.",
        "Connect as a role with LOGIN.",
    ),
    Reason(
        r'database ".*" does not exist|no such database',
        "The server at {place} has no database {database}.",
        "Check the database's name, the last part of the URL. On Supabase it is postgres.",
    ),
    Reason(
        r"permission denied for database",
        "The role {user} may not connect to the database {database} at {place}.",
        "Connect as another role, or have its owner run: grant connect on database … to …;",
    ),
    Reason(
        r"no pg_hba\.conf entry.*(?:ssl off|no encryption)|ssl (?:connection is )?required|connection is insecure",
        "The server at {place} does not accept this connection without TLS.",
        "Add sslmode=require to the connection string. If that changes nothing, this address is not admitted.",
    ),
    Reason(
        r"no pg_hba\.conf entry|pg_hba\.conf rejects",
        "The server at {place} does not admit user {user} to database {database} from here.",
        "Have this address allowed, in the provider's network settings or in pg_hba.conf.",
    ),
    Reason(
        r"remaining connection slots|too many (?:clients|connections)|max(?:imum)? clients? reached|no more connections"
        r"|maxclients|too many .*connections",
        "The server at {place} has no connection left.",
        "Try again later, or close others. rlsaudit needs one.",
    ),
    Reason(
        r"starting up|shutting down|in recovery mode|not (?:yet )?accepting connections|not yet been reached",
        "The server at {place} is not accepting connections now.",
        "Wait until it is up and try again.",
    ),
    Reason(
        r"unsupported startup parameter",
        "The pooler at {place} does not accept a parameter of the connection string.",
        "Leave out `options` and other settings, or connect to the server itself.",
    ),
    Reason(
        r"statement pooling mode",
        "The pooler at {place} pools single statements, and an audit needs a transaction.",
        "Use its transaction or session mode, or connect to the server itself.",
    ),
    Reason(
        r"does not support ssl",
        "The server at {place} does not offer TLS, and the connection string demands it.",
        "If the network is trusted, as with a local server, use sslmode=prefer.",
    ),
    Reason(
        r"certificate verify failed|server certificate for|root certificate|certificate",
        "The TLS certificate of the server at {place} could not be verified, or it wants one of ours.",
        "Give the provider's CA with sslrootcert=<file>, and a client certificate with sslcert and sslkey.",
    ),
    Reason(
        r"service file|definition of service",
        "The service that PGSERVICE or the connection string names could not be read.",
        "Check ~/.pg_service.conf, or the file that PGSERVICEFILE names.",
    ),
    Reason(
        r"invalid response to|expected authentication request|expected authentication|unexpected response"
        r"|invalid authentication request|server closed the connection unexpectedly|lost synchronization"
        r"|received invalid|unexpected eof",
        "What answers at {place} does not speak as Postgres does, or hung up.",
        "Check host and port: Postgres has 5432 as a rule, Supabase's pooler 5432 or 6543. A web address is not it.",
    ),
    Reason(
        r"failed to resolve host|could not translate host name|name or service not known|nodename nor servname",
        "The host name of {place} is unknown.",
        "Check the host. A paused Supabase project has none; one that is up has its direct host on IPv6 only: "
        f"{_SUPABASE_STRING}.",
    ),
    Reason(
        r"network is unreachable|no route to host|address family not supported",
        "There is no network route to {place}.",
        f"A Supabase project's direct host has IPv6 only: {_SUPABASE_STRING}. Otherwise check VPN and firewall.",
    ),
    Reason(
        r"connection refused|no such file or directory",
        "Nothing listens at {place}.",
        "Check host and port, and that the server runs. Locally: supabase start.",
    ),
    Reason(
        r"timeout|timed out",
        "The server at {place} did not answer in time.",
        "Check host, port and firewall; connect_timeout in the connection string sets the seconds to wait.",
    ),
    Reason(
        r"invalid .*value|invalid port|invalid integer|could not match|bad value",
        "A parameter of the connection string has a value that libpq does not accept.",
        "Check sslmode, port, connect_timeout and the like.",
    ),
)

LOST = Reason(
    r"server closed the connection|terminating connection|connection is (?:closed|lost)|connection reset|eof detected",
    "The connection to the server at {place} was lost during the audit.",
    "Try again. If it happens again, look into the server's log.",
)

QUERY = (
    Reason("57014", "The server at {place} cut a query off for taking too long.", "Try again with a longer timeout."),
    Reason(
        "55P03", "A lock in the database {database} was not free in time.", "Try again when no migration is running."
    ),
)
