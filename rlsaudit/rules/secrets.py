"""secrets: keys and passwords that clients read, in rows, in the vault, and in what the database is made of."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from rlsaudit.catalog.platform import Platform
from rlsaudit.model import Evidence, EvidenceKind, Operation, Reach, Severity
from rlsaudit.names import ident
from rlsaudit.probe.request import settings, transcript
from rlsaudit.rules.asked import asked_as, holds_on
from rlsaudit.rules.build import Who, finding
from rlsaudit.rules.catalog_secrets import found_in_catalog
from rlsaudit.rules.clients import sends_sql
from rlsaudit.rules.job_secrets import found_in_jobs
from rlsaudit.rules.rule import Example, Found, Rule
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Relation
    from rlsaudit.model import Persona
    from rlsaudit.probe import Held
    from rlsaudit.rules.case import Case

_VAULT = (("vault", "decrypted_secrets"), ("vault", "secrets"))


def check(case: Case) -> Iterator[Found]:
    """Yields secrets that personas read, or could as soon as they send SQL of their own."""
    yield from _in_rows(case)
    yield from _in_the_vault(case)
    yield from found_in_catalog(case, RULE)
    yield from found_in_jobs(case, RULE)


def _in_rows(case: Case) -> Iterator[Found]:
    """What clients of the API were seen to read: an application's own role reads its secrets as it must."""
    found: defaultdict[int, list[Held]] = defaultdict(list)
    for one in case.secrets:
        relation = case.catalog.relations[one.relation]
        reader = (one.persona.name, one.persona.role)
        meant = case.intent.is_meant(case.catalog.identity(relation), one.column, *reader)
        if not sends_sql(case, one.persona) and not meant and not _is_told(case, relation, one):
            found[one.relation].append(one)
    for oid, several in found.items():
        yield _row(case, case.catalog.relations[oid], several)


def _is_told(case: Case, relation: Relation, held: Held) -> bool:
    """Whether the row is as open as can be anyway, or the column is another relation's, of which it is told."""
    cell = case.cell(held.persona, relation, Operation.SELECT)
    if relation.kind in "rp" and not relation.rls and cell is not None and cell.at_least > cell.intended:
        return True
    if relation.kind not in "vm":
        return False
    origins = case.origins.of(relation, held.column).columns
    return any((one.relation, one.column) in origins for one in case.secrets if one.persona == held.persona)


def _row(case: Case, relation: Relation, held: list[Held]) -> Found:
    identity = case.catalog.identity(relation)
    first = held[0]
    mine = [one for one in held if one.persona is first.persona]
    personas = list({one.persona.name: one.persona for one in held}.values())
    kinds = listed(list(dict.fromkeys(f"{one.kind} in {ident(one.column)}" for one in mine)))
    cell = case.cell(first.persona, relation, Operation.SELECT)
    made = settings(case.catalog, case.platform, first.persona)
    holders = ", ".join(case.holders(personas, relation.acl, "SELECT")) or "public"
    return Found(
        finding(
            RULE,
            case.ref(relation),
            Who(
                first.persona.name,
                Operation.SELECT.value,
                Reach.SOME if cell is None else max(cell.at_least, Reach.SOME),
                Reach.NONE if cell is None else cell.intended,
            ),
            title=f"{identity} shows secrets",
            message=(
                f"{listed([one.name for one in personas])} can read what looks like secrets in {identity}: {kinds}. "
                "Whatever was in there is known by now: replace it as well."
            ),
            evidence=Evidence(
                EvidenceKind.PROBE,
                transcript(made, first.result.probe.sql),
                f"{first.result.rows} rows; what they hold was compared by the server and did not leave it",
            ),
            fix=f"revoke select on {identity} from {holders};",
            relations=[identity],
        )
    )


def _in_the_vault(case: Case) -> Iterator[Found]:
    """Supabase grants what is in its vault to the server alone."""
    for name in _VAULT if case.platform is Platform.SUPABASE else ():
        relation = case.catalog.relations_by_name.get(name)
        if relation is None:
            continue
        personas = [one for one in case.personas if case.access.on_any_column(case.role(one).oid, relation, "SELECT")]
        if personas:
            yield _granted(case, relation, personas)


def _granted(case: Case, relation: Relation, personas: list[Persona]) -> Found:
    identity = case.catalog.identity(relation)
    served = any(case.is_exposed(one, relation) for one in personas)
    query = holds_on(case, relation, "SELECT", columns=True)
    holders = ", ".join(case.holders(personas, relation.acl, "SELECT")) or "public"
    return Found(
        finding(
            RULE,
            case.ref(relation),
            Who(personas[0].name, Operation.SELECT.value, Reach.ALL, Reach.NONE),
            title=f"{identity} is granted to clients",
            message=(
                f"{listed([one.name for one in personas])} may select from {identity}, in which the project keeps its "
                "secrets" + ("." if served else ": any view or function that runs as its caller leads there.")
            ),
            evidence=asked_as(case, personas[0], query, "granted; it was not read"),
            fix=f"revoke all on {identity} from {holders};",
            relations=[identity],
            severity=Severity.CRITICAL if served else Severity.HIGH,
        ),
        case.claims([relation]),
    )


_SETTINGS = """
            create table public.app_settings (key text primary key, value text, is_public boolean not null);
            alter table public.app_settings enable row level security;"""
_KEY = "'sk_live_' || repeat('a1', 12)"

RULE = Rule(
    id="secrets",
    severity=Severity.CRITICAL,
    summary="Clients read keys, tokens or passwords: in rows, in the vault, or in what the database is made of.",
    why=(
        "A key opens another door: payments, mail, other databases, with the service_role key this one. Tables of "
        "settings are read by every page, and then somebody puts a key in. What stands in the body of a function or in "
        "the options of a foreign server is in the catalog, which whoever sends SQL reads, and in every dump, as are "
        "the commands of pg_cron's jobs. The password of a user mapping is for the server to log in with; who holds "
        "USAGE on the foreign server besides, reads it."
    ),
    fix=(
        "Replace the key where it is from, for it is known by now. Keep secrets in the vault, which only functions of "
        "the server's read, or in a table that no client is granted; a job looks it up there when it runs."
    ),
    fine=(
        "Keys that are made for being public, as `pk_live_…` and the anon key are, are no finding. Where a column may "
        "be seen whatever it looks like, name it in the intent file: `columns` of `[[allow]]`. rlsaudit looks by the "
        "shapes that detect-secrets knows, has the server compare, and prints neither a value nor a part of one."
    ),
    bad=(
        Example(
            "A key among settings that everybody reads",
            f"""{_SETTINGS}
            create policy "everybody reads" on public.app_settings for select using (is_public);
            insert into public.app_settings values
              ('theme', 'dark', true), ('payments', {_KEY}, true);
            """,
        ),
        Example(
            "The vault, for whoever is signed in",
            """
            grant usage on schema vault to authenticated;
            grant select on vault.decrypted_secrets to authenticated;
            """,
        ),
        Example(
            "A key in a function, which clients of the API cannot read",
            """
            do $$ begin
              execute format(
                'create function public.charge() returns text language plpgsql as %L',
                format('begin return %L; end', 'sk_live_' || repeat('a1', 12)));
            end $$;
            """,
        ),
        Example(
            "On plain Postgres, in a function and in a foreign server, for every role",
            """
            create function public.mail() returns text language sql
              as $$ select 'smtp://mailer:hunter2@mail.example' $$;
            create foreign data wrapper api;
            create server shop foreign data wrapper api options (api_key 'hunter2');
            """,
            platform=Platform.POSTGRES,
            roles=("shop_app",),
        ),
        Example(
            "A key in the command of a job",
            f"""
            select cron.schedule('charge', '0 3 * * *',
              format('select net.http_post(%L, headers := %L)', 'https://payments.example', {_KEY}));
            """,
            before="create extension pg_cron;",
        ),
        Example(
            "Jobs that everybody reads",
            f"""
            create schema cron;
            create table cron.job (jobid bigint primary key, command text not null, username text not null);
            insert into cron.job values (1, format('select charge(%L)', {_KEY}), current_user);
            grant usage on schema cron to shop_app;
            grant select on cron.job to shop_app;
            """,
            platform=Platform.POSTGRES,
            roles=("shop_app",),
        ),
        Example(
            "A password that the server uses, and that the role for which it does reads as well",
            """
            create foreign data wrapper elsewhere;
            create server warehouse foreign data wrapper elsewhere;
            create user mapping for shop_app server warehouse options (user 'reader', password 'hunter2');
            grant usage on foreign server warehouse to shop_app;
            """,
            platform=Platform.POSTGRES,
            roles=("shop_app",),
        ),
    ),
    good=(
        Example(
            "Public keys",
            f"""{_SETTINGS}
            create policy "everybody reads" on public.app_settings for select using (is_public);
            insert into public.app_settings values
              ('payments', 'pk_live_' || repeat('a1', 12), true), ('mail', {_KEY}, false);
            """,
        ),
        Example(
            "In the vault, where a function looks it up",
            """
            create function public.charge() returns boolean language plpgsql security definer set search_path = '' as $$
              declare key text;
              begin
                select decrypted_secret into key from vault.decrypted_secrets where name = 'payments';
                return key is not null;
              end $$;
            """,
        ),
        Example(
            "A foreign server that names what is in the vault",
            """
            create foreign data wrapper api;
            create server shop foreign data wrapper api options (api_key_id '00000000-0000-0000-0000-000000000000');
            """,
            platform=Platform.POSTGRES,
            roles=("shop_app",),
        ),
        Example(
            "Passwords that only the server reads, for that role and for everybody",
            """
            create foreign data wrapper elsewhere;
            create server warehouse foreign data wrapper elsewhere;
            create user mapping for shop_app server warehouse options (user 'reader', password 'hunter2');
            create server archive foreign data wrapper elsewhere;
            create user mapping for public server archive options (user 'reader', password 'hunter2');
            grant usage on foreign server archive to shop_app;
            """,
            platform=Platform.POSTGRES,
            roles=("shop_app",),
        ),
        Example(
            "A job that looks its key up",
            """
            select cron.schedule('charge', '0 3 * * *', $$
              select net.http_post('https://payments.example', headers := jsonb_build_object('Authorization',
                (select decrypted_secret from vault.decrypted_secrets where name = 'payments'))) $$);
            """,
            before="create extension pg_cron;",
        ),
    ),
    check=check,
)
