"""trigger-copy: a trigger puts what a table keeps back into another one, where it is read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rlsaudit.catalog.firing import fires
from rlsaudit.model import ObjectRef, Operation, Reach, Severity
from rlsaudit.names import ident
from rlsaudit.policy.copied import copies_of
from rlsaudit.reach.meant import relation_meant
from rlsaudit.rules.auth_exposure import HARMLESS
from rlsaudit.rules.build import Who, finding
from rlsaudit.rules.columns import without_columns
from rlsaudit.rules.rule import Example, Found, Rule
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Function, Relation, Trigger
    from rlsaudit.model import Persona
    from rlsaudit.policy.copied import Copy
    from rlsaudit.rules.case import Case


def check(case: Case) -> Iterator[Found]:
    """Yields triggers by which private values of rows that a persona cannot read come where it reads them."""
    for trigger in case.catalog.snapshot.triggers:
        function = case.catalog.functions.get(trigger.function)
        source = case.catalog.relations[trigger.relation]
        written = any(fires(trigger, one) for one in Operation)
        if function is None or not written or function.extension is not None or not function.security_definer:
            continue
        for target, copies in _targets(case, function, source).items():
            shown = [one for one in copies if _is_private(case, source, one, case.catalog.relations[target])]
            personas = [
                one for one in case.personas if _gains(case, one, source, case.catalog.relations[target], shown)
            ]
            if shown and personas:
                yield _found(case, (trigger, function), (source, case.catalog.relations[target]), shown, personas)


def _targets(case: Case, function: Function, source: Relation) -> dict[int, list[Copy]]:
    found: dict[int, list[Copy]] = {}
    for one in copies_of(function):
        target = relation_meant(case.catalog, function, one.into)
        if target is not None and target.oid != source.oid and target in case.exposed:
            whole = [each.name for each in case.catalog.columns[source.oid]] if one.source == "*" else [one.source]
            found.setdefault(target.oid, []).extend(replace(one, source=name) for name in whole)
    return found


def _is_private(case: Case, source: Relation, copy: Copy, target: Relation) -> bool:
    """Whether the value is private where it is from, and its new name does not tell: what it tells others report."""
    private = case.sensitive(source, [copy.source]) and not (case.is_auth(source) and copy.source in HARMLESS)
    identity = case.catalog.identity(target)
    return (
        bool(private) and not case.sensitive(target, [copy.column]) and not case.intent.is_meant(identity, copy.column)
    )


def _gains(case: Case, persona: Persona, source: Relation, target: Relation, shown: list[Copy]) -> bool:
    """Whether the persona surely reads rows of others in the target, and not in the source."""
    cell = case.cell(persona, target, Operation.SELECT)
    if cell is None or cell.at_least < Reach.SOME or case.addressed(persona, source, Operation.SELECT) >= Reach.SOME:
        return False
    columns = case.way(cell, target).columns
    return columns is None or any(one.column in columns for one in shown)


def _found(
    case: Case,
    by: tuple[Trigger, Function],
    ends: tuple[Relation, Relation],
    shown: list[Copy],
    personas: list[Persona],
) -> Found:
    (trigger, function), (_, target) = by, ends
    name = ident(trigger.name)
    names = [case.catalog.identity(one) for one in ends]
    copied = listed([f"{ident(one.source)} as {ident(one.column)}" for one in shown])
    cells = [one for persona in personas if (one := case.cell(persona, target, Operation.SELECT)) is not None]
    return Found(
        finding(
            RULE,
            ObjectRef("trigger", f"{names[0]}.{name}"),
            Who(personas[0].name, Operation.SELECT.value, max(one.at_least for one in cells), Reach.NONE),
            title=f"{name} copies private values of {names[0]} into {names[1]}",
            message=(
                f"On {names[0]}, {name} calls {case.catalog.function_identity(function)}, which runs as "
                f"its owner and puts {copied} into {names[1]}. {listed([one.name for one in personas])} can read rows "
                "of others there, and not where they are from."
            ),
            evidence=case.evidence(cells, target),
            fix=(
                "-- Or have the function copy something else, and overwrite what it copied so far:\n"
                f"{without_columns(case, target, Operation.SELECT, [one.column for one in shown], personas)}"
            ),
            relations=names,
        )
    )


_ACCOUNTS = """
            create table public.accounts (id uuid primary key, user_id uuid, email text, plan text);
            alter table public.accounts enable row level security;
            create policy own on public.accounts to authenticated
              using ((select auth.uid()) = user_id) with check ((select auth.uid()) = user_id);
            create table public.activity (id bigint generated always as identity, what text, who text, at timestamptz);
            alter table public.activity enable row level security;
            insert into public.activity (what, who) values ('joined', 'a@example.com');"""


def _copying(value: str) -> str:
    return f"""
            create function public.note_account() returns trigger language plpgsql security definer
              set search_path = '' as $$
              begin
                insert into public.activity (what, who, at) values ('joined', {value}, now());
                return new;
              end $$;
            create trigger note_account after insert on public.accounts
              for each row execute function public.note_account();"""


_EVERYBODY = 'create policy "everybody reads" on public.activity for select using (true);'

RULE = Rule(
    id="trigger-copy",
    severity=Severity.HIGH,
    summary="A trigger that runs as its owner copies private values into a table that others read.",
    why=(
        "The table where the value belongs has its policies; the log, the feed or the directory that a trigger fills "
        "is read by everybody, and there the value has another name. No policy of the first table is asked again."
    ),
    fix=(
        "Copy what is to be seen and no more: a name or an id in the place of the address. What is in the second table "
        "by now is to be taken out again."
    ),
    fine=(
        "Copies into tables that only the same people read, of values that are private to nobody, or of a part of a "
        "document, as the name out of `raw_user_meta_data`. Where a column may be seen, name it in the intent file: "
        "`columns` of `[[allow]]`."
    ),
    bad=(
        Example("An address, in a feed that everybody reads", f"{_ACCOUNTS}{_copying('new.email')}\n{_EVERYBODY}"),
        Example(
            "Whole rows, in a log of changes",
            f"""{_ACCOUNTS}
            create table public.changes (id bigint generated always as identity, old jsonb, new jsonb);
            alter table public.changes enable row level security;
            create policy "signed in" on public.changes for select to authenticated using (true);
            create function public.note_change() returns trigger language plpgsql security definer set search_path = ''
              as $$ begin insert into public.changes (new) values (to_jsonb(new)); return new; end $$;
            create trigger note_change after insert or update on public.accounts
              for each row execute function public.note_change();
            """,
        ),
        Example(
            "Of Supabase's users, as a name",
            """
            create table public.profiles (id uuid primary key, username text);
            alter table public.profiles enable row level security;
            create policy "everybody reads" on public.profiles for select using (true);
            create function public.on_sign_up() returns trigger language plpgsql security definer set search_path = ''
              as $$
              begin
                insert into public.profiles (id, username) values (new.id, lower(new.email));
                return new;
              end $$;
            create trigger on_sign_up after insert on auth.users for each row execute function public.on_sign_up();
            """,
        ),
    ),
    good=(
        Example("What is private to nobody", f"{_ACCOUNTS}{_copying('new.plan')}\n{_EVERYBODY}"),
        Example("A log for the server", f"{_ACCOUNTS}{_copying('new.email')}"),
        Example(
            "A name out of what somebody gave when signing up",
            """
            create table public.profiles (id uuid primary key, username text);
            alter table public.profiles enable row level security;
            create policy "everybody reads" on public.profiles for select using (true);
            create function public.on_sign_up() returns trigger language plpgsql security definer set search_path = ''
              as $$
              begin
                insert into public.profiles (id, username) values (new.id, new.raw_user_meta_data ->> 'name');
                return new;
              end $$;
            create trigger on_sign_up after insert on auth.users for each row execute function public.on_sign_up();
            """,
        ),
    ),
    check=check,
)
