"""definer-view: a view that reads and writes with the rights of its owner, past the policies of its tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rlsaudit.access.views import is_invoker
from rlsaudit.model import Operation, Severity
from rlsaudit.rules.auth_exposure import exposes_auth
from rlsaudit.rules.build import finding, worst
from rlsaudit.rules.rule import Example, Found, Rule
from rlsaudit.rules.shown import columns_from, origins, widened
from rlsaudit.rules.wording import listed, who_can

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.access import ViewRead
    from rlsaudit.catalog.facts import Relation
    from rlsaudit.model import Cell
    from rlsaudit.rules.case import Case

_NUMBERS = frozenset({"bigint", "integer"})
_FIRST_INVOKER = 15
"""The major that brought security_invoker."""


@dataclass(slots=True)
class _Fault:
    """A view that widens, with the cells of all views that do so through it."""

    view: Relation
    cells: dict[int, list[Cell]] = field(default_factory=dict)
    bases: dict[int, Relation] = field(default_factory=dict)
    shows_rows: bool = False


def check(case: Case) -> Iterator[Found]:
    """Yields views by which a persona reaches further than intended, and further than by the tables themselves."""
    for fault in _faults(case):
        view = next((one for one in case.exposed if one.oid in fault.cells), fault.view)
        shown = fault.view if fault.view.oid in fault.cells else view
        cells = [cell for group in fault.cells.values() for cell in group]
        identity = case.catalog.identity(fault.view)
        bases = [case.catalog.identity(one) for one in fault.bases.values()]
        owner = case.catalog.roles[fault.view.owner].name
        others = [case.catalog.relations[oid] for oid in fault.cells if oid != fault.view.oid]
        through = ""
        if others:
            also = ", also" if fault.view.oid in fault.cells else ""
            through = f"{also} through {listed([case.catalog.identity(one) for one in others])}"
        what = f"of {listed(bases)}" if fault.shows_rows else f"counted or summed up over {listed(bases)}"
        what += ", by the key alone" if _shows_keys_alone(case, fault) else ""
        exposed_views = [case.catalog.relations[oid] for oid in fault.cells]
        claimed = case.claims(
            exposed_views,
            [one for each in exposed_views for one in case.led_by(case.catalog.identity(each), fault.bases.values())],
        )
        main = [one for one in cells if one.relation == case.catalog.identity(shown)]
        yield Found(
            finding(
                RULE,
                case.ref(fault.view),
                worst(main),
                title=f"View {identity} goes around the policies of {listed(bases)}",
                message=(
                    f"{who_can(main)} {what}{through}: the view runs with the rights of its owner {owner}, so what "
                    "keeps callers from the tables does not apply."
                ),
                evidence=case.evidence(main, shown),
                fix=_fix(case, fault.view, cells),
                relations=[identity, *bases],
                severity=_severity(case, fault, cells),
            ),
            claimed,
        )


def _faults(case: Case) -> list[_Fault]:
    faults: dict[int, _Fault] = {}
    for view in case.exposed:
        if view.kind != "v" or view.extension is not None or exposes_auth(case, view):
            continue
        for cell in case.beyond(view):
            persona = case.persona(cell.persona)
            wider = widened(case, persona, view, cell)
            shows_rows = bool(wider) and not _groups_alone(case, view, [one.relation for one in wider])
            if not wider and cell.operation is Operation.SELECT and not origins(case, view):
                wider = _summarised(case, cell, view)
            for read in wider:
                fault = faults.setdefault(_cause(read).oid, _Fault(_cause(read)))
                group = fault.cells.setdefault(view.oid, [])
                if cell not in group:
                    group.append(cell)
                fault.bases[read.relation.oid] = read.relation
                fault.shows_rows |= shows_rows
    return list(faults.values())


def _summarised(case: Case, cell: Cell, view: Relation) -> tuple[ViewRead, ...]:
    """The tables that a view only counts or sums up, and that the persona does not read."""
    persona = case.persona(cell.persona)
    role = case.role(persona).oid
    reads = (one for one in case.reads(persona, view) if one.granted and one.role != role and not one.stored)
    return tuple(one for one in reads if cell.at_least > case.addressed(persona, one.relation, cell.operation))


def _groups_alone(case: Case, view: Relation, bases: list[Relation]) -> bool:
    """Whether all that is shown of these tables is what their rows are grouped by, which tells none from others.

    And when the first or last of a group was.
    """
    query = case.views.shape(view)
    if query is None or not query.grouped:
        return False
    return all(
        _tells_none_apart(case, one, {name for oid, name in origins(case, view) if oid == one.oid}, query.grouped)
        for one in bases
    )


def _tells_none_apart(case: Case, base: Relation, shown: set[str], grouped: frozenset[str]) -> bool:
    """Whether these columns say of no row whose it is or which it is, nor anything that is private."""
    columns = case.catalog.columns[base.oid]
    numbers = {one.number for one in columns if one.name in shown}
    moments = {one.name for one in columns if one.type.startswith(("timestamp", "date"))}
    if any(one.kind in "pu" and numbers >= set(one.columns) for one in case.catalog.constraints[base.oid]):
        return False
    named = case.sensitive(base, sorted(shown)) or not shown.isdisjoint(case.owner_columns(base))
    return shown <= grouped | moments and not named


def _cause(read: ViewRead) -> Relation:
    """The view that gives its owner's rights: the last on the way to the table that is not the caller's."""
    views = [one for one in read.through if one.kind == "v" and not is_invoker(one)]
    return views[-1] if views else read.through[0]


def _severity(case: Case, fault: _Fault, cells: list[Cell]) -> Severity:
    return max(
        _insert_severity(case, fault)
        if one.operation is Operation.INSERT
        else _read_severity(case, fault)
        if one.operation is Operation.SELECT
        else Severity.CRITICAL
        for one in cells
    )


def _insert_severity(case: Case, fault: _Fault) -> Severity:
    """As for a policy that lets everybody insert: it is bad where one can do so in another's name."""
    owned = any(case.owner_columns(case.catalog.relations[oid]) for oid in fault.cells)
    return Severity.HIGH if owned else Severity.MEDIUM


def _read_severity(case: Case, fault: _Fault) -> Severity:
    if not fault.shows_rows or _shows_keys_alone(case, fault):
        return Severity.MEDIUM
    for oid in fault.cells:
        view = case.catalog.relations[oid]
        shown = case.readable(view).intersection(columns_from(case, view, fault.bases))
        if case.sensitive(view, shown):
            return Severity.CRITICAL
    return Severity.HIGH


def _shows_keys_alone(case: Case, fault: _Fault) -> bool:
    """Whether all that is shown of a table is the key that its rows are called by, which means nothing by itself.

    So it is where something is counted or summed up for each row.
    """
    keys = {
        (oid, column.name)
        for oid in fault.bases
        for key in case.catalog.constraints[oid]
        if key.kind == "p"
        for column in case.catalog.columns[oid]
        if column.number in key.columns and (column.type == "uuid" or column.type in _NUMBERS)
    }
    shown = {
        (oid, name)
        for view in fault.cells
        for oid, name in origins(case, case.catalog.relations[view])
        if oid in fault.bases
    }
    named = (case.sensitive(case.catalog.relations[oid], [name]) for oid, name in shown)
    owns = (name in case.owner_columns(case.catalog.relations[oid]) for oid, name in shown)
    return bool(shown) and shown <= keys and not any(named) and not any(owns)


def _fix(case: Case, view: Relation, cells: list[Cell]) -> str:
    identity = case.catalog.identity(view)
    if case.catalog.snapshot.server.major >= _FIRST_INVOKER and not is_invoker(view) and view.kind == "v":
        return f"alter view {identity} set (security_invoker = on);"
    personas = [case.persona(name) for name in dict.fromkeys(one.persona for one in cells)]
    return f"revoke all on {identity} from {', '.join(case.holders(personas, view.acl, 'SELECT'))};"


_BOOKINGS = """
            create table public.bookings (id bigint primary key, user_id uuid, starts timestamptz, health_note text);
            alter table public.bookings enable row level security;
            create policy "own bookings" on public.bookings to authenticated
              using ((select auth.uid()) = user_id) with check ((select auth.uid()) = user_id);
            insert into public.bookings values (1, gen_random_uuid(), now() + interval '1 day', 'a cold');"""
_CLASSES = """
            create table public.classes (id bigint primary key, title text, published boolean not null default false);
            alter table public.classes enable row level security;
            create policy "published" on public.classes for select using (published);
            insert into public.classes values (1, 'a', true), (2, 'b', false);"""

RULE = Rule(
    id="definer-view",
    severity=Severity.CRITICAL,
    summary="A view runs with the rights of its owner, so the policies of its tables do not apply to who reads it.",
    why=(
        "Unless a view is `security_invoker`, Postgres checks its tables as the view's owner. On Supabase that is "
        "`postgres`, whom no policy stops. Whoever may read the view reads the rows that the policies hide; a view "
        "that is simple enough passes inserts, updates and deletes as well, and by default the API roles hold those "
        "privileges on views too."
    ),
    fix=(
        "`alter view … set (security_invoker = on)`: the policies of the tables then apply to whoever asks. What "
        "people are meant to see beyond their own rows needs a policy that says so."
    ),
    fine=(
        "A view that shows everybody a few harmless columns on purpose. Revoke insert, update and delete on it, and "
        "declare what it shows in the intent file. A view that asks `auth.uid()` itself, or that shows no more than "
        "its tables do, is no finding."
    ),
    bad=(
        Example(
            "Private notes, and writes",
            f"""{_BOOKINGS}
            create view public.open_bookings as
              select id, user_id, starts, health_note from public.bookings where starts > now();
            """,
        ),
        Example(
            "A join, for reading only",
            f"""{_BOOKINGS}{_CLASSES}
            create view public.attendance as
              select c.title, b.user_id, b.starts from public.bookings b join public.classes c on c.id = b.id;
            revoke all on public.attendance from anon;
            """,
        ),
        Example(
            "It asks who calls, but what one inserts need not pass its filter",
            f"""{_BOOKINGS}
            create view public.my_bookings as
              select id, user_id, starts from public.bookings where user_id = (select auth.uid());
            """,
        ),
        Example(
            "A view with the right option over one without",
            f"""{_BOOKINGS}
            create schema internal;
            grant usage on schema internal to anon, authenticated;
            create view internal.all_bookings as select * from public.bookings;
            grant select on internal.all_bookings to anon, authenticated;
            create view public.all_bookings with (security_invoker = on) as select * from internal.all_bookings;
            """,
        ),
        Example(
            "More of a public table than its policy shows",
            f"""{_CLASSES}
            create view public.long_titles as select id, title from public.classes where title <> '';
            revoke insert, update, delete on public.long_titles from anon, authenticated;
            """,
        ),
    ),
    good=(
        Example(
            "With the rights of whoever asks",
            f"""{_BOOKINGS}
            create view public.open_bookings with (security_invoker = true) as
              select id, user_id, starts, health_note from public.bookings where starts > now();
            """,
        ),
        Example(
            "The same option, as others write it",
            f"""{_BOOKINGS}
            create view public.open_bookings with (security_invoker = 1) as
              select id, user_id, starts, health_note from public.bookings where starts > now();
            """,
        ),
        Example(
            "A view without the option over one with it, which asks whoever calls all the same",
            f"""{_BOOKINGS}
            create view public.bookings_of_mine with (security_invoker = on) as
              select id, user_id, starts, health_note from public.bookings;
            create view public.open_bookings as
              select id, user_id, starts, health_note from public.bookings_of_mine where starts > now();
            """,
        ),
        Example(
            "It asks who calls by itself, and takes no inserts",
            f"""{_BOOKINGS}
            create view public.my_bookings as
              select id, starts, health_note from public.bookings where user_id = (select auth.uid());
            revoke insert on public.my_bookings from anon, authenticated;
            """,
        ),
        Example(
            "No more than the table shows, and no writes",
            f"""{_CLASSES}
            create view public.catalogue as select id, title from public.classes where published and title <> '';
            revoke insert, update, delete on public.catalogue from anon, authenticated;
            """,
        ),
        Example(
            "A public join, with the caller's own marks",
            f"""{_CLASSES}
            create table public.likes (class_id bigint, user_id uuid, primary key (class_id, user_id));
            alter table public.likes enable row level security;
            create policy "own likes" on public.likes to authenticated
              using ((select auth.uid()) = user_id) with check ((select auth.uid()) = user_id);
            create view public.catalogue as
              select c.id, c.title, count(l.user_id) as likes,
                exists (select 1 from public.likes m where m.class_id = c.id and m.user_id = auth.uid()) as mine
              from public.classes c left join public.likes l on l.class_id = c.id where c.published group by c.id;
            """,
        ),
        Example(
            "Nobody may read it",
            f"""{_BOOKINGS}
            create view public.open_bookings as select * from public.bookings;
            revoke all on public.open_bookings from anon, authenticated;
            """,
        ),
    ),
    check=check,
)
