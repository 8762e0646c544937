"""leaky-filter-view: a view whose condition is all that hides rows, and is not asked before what its reader asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.access.views import is_barrier, is_invoker
from rlsaudit.catalog.platform import Platform
from rlsaudit.model import Evidence, EvidenceKind, Operation, Reach, Severity
from rlsaudit.names import ident
from rlsaudit.policy.formula import TRUE
from rlsaudit.probe.request import settings, transcript
from rlsaudit.rules.build import Who, finding
from rlsaudit.rules.clients import sends_sql
from rlsaudit.rules.rule import Example, Found, Rule
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Relation
    from rlsaudit.model import Persona
    from rlsaudit.reach.chain import Chain
    from rlsaudit.rules.case import Case


def check(case: Case) -> Iterator[Found]:
    """Yields views that keep rows back by a condition beside which their reader's own conditions are asked."""
    for view in case.exposed:
        if view.kind != "v" or view.extension is not None or is_invoker(view) or is_barrier(view):
            continue
        found = [(one, chain) for one in case.personas if (chain := _hides(case, one, view)) is not None]
        if found:
            yield _found(case, view, [one for one, _ in found], found[0][1])


def _hides(case: Case, persona: Persona, view: Relation) -> Chain | None:
    """The way from the view to its table, where its condition alone keeps rows of that from a persona that sends SQL.

    Clients of an API can put no conditions that fail, or tell, into a request.
    """
    cell = case.cell(persona, view, Operation.SELECT) if sends_sql(case, persona) else None
    role = case.role(persona).oid
    chain = case.views.chain(persona, role, view) if cell is not None else None
    if cell is None or chain is None or chain.stored or chain.filters == TRUE or len(chain.links) > 1:
        return None
    # Row-level security is asked before anything that could tell; whoever reads the table has nothing to gain.
    told = case.addressed(persona, chain.base, Operation.SELECT) >= Reach.SOME
    kept = cell.at_most is not Reach.ALL and case.access.columns(role, view, "SELECT")
    return chain if kept and not told and not case.access.rls_applies(chain.role, chain.base) else None


def _found(case: Case, view: Relation, personas: list[Persona], chain: Chain) -> Found:
    identity, base = case.catalog.identity(view), case.catalog.identity(chain.base)
    persona = personas[0]
    cell = case.cell(persona, view, Operation.SELECT)
    column = ident(case.access.columns(case.role(persona).oid, view, "SELECT")[0].name)
    query = f"explain (costs off) select 1 from {identity} where pg_catalog.length({column}::pg_catalog.text) < 0"
    made = settings(case.catalog, case.platform, persona)
    return Found(
        finding(
            RULE,
            case.ref(view),
            Who(
                persona.name,
                Operation.SELECT.value,
                Reach.ALL,
                Reach.OWN if cell is None else cell.intended,
            ),
            title=f"{identity} hides rows by a condition that does not come first",
            message=(
                f"{listed([one.name for one in personas])} may ask {identity} for anything, beside its own condition "
                f"and not after it: a cast that fails, or a cheap function of one's own, tells of rows of {base} that "
                "the view keeps back."
            ),
            evidence=Evidence(
                EvidenceKind.CATALOG, transcript(made, query), "one filter, in which both conditions stand; no barrier"
            ),
            fix=f"alter view {identity} set (security_barrier = true);",
            relations=[identity, base],
        )
    )


_ORDERS = """
            create schema app;
            grant usage on schema app to shop_app;
            create table app.orders (id int primary key, buyer name not null, note text);"""

RULE = Rule(
    id="leaky-filter-view",
    severity=Severity.MEDIUM,
    summary="A view keeps rows back by its WHERE, and lets whoever reads it put a condition beside that.",
    why=(
        "Postgres asks the cheapest condition first, and a view without `security_barrier` is melted into the query. "
        "So `where note::int = 0` fails with the text of a row that the view was to hide, `1 / (id - 42)` tells that "
        "there is a row 42, and a function in pg_temp that costs nothing is shown every row."
    ),
    fix=(
        "`alter view … set (security_barrier = true)`: then only what cannot tell anything is asked before the view's "
        "own condition. Or put the condition into policies of the table, which always come first, and make the view "
        "`security_invoker`."
    ),
    fine=(
        "Views over a table that their reader may read anyway, views with the rights of whoever reads, and views that "
        "clients reach by an API only, which takes no such conditions, are no finding."
    ),
    bad=(
        Example(
            "One's own orders, for a role that may not read the table",
            f"""{_ORDERS}
            create view app.my_orders as select id, note from app.orders where buyer = current_user;
            grant select on app.my_orders to shop_app;
            """,
            platform=Platform.POSTGRES,
            roles=("shop_app",),
        ),
        Example(
            "By a setting",
            f"""{_ORDERS}
            create view app.my_orders as
              select id, buyer, note from app.orders where buyer = current_setting('app.buyer', true)::name;
            grant select on app.my_orders to shop_app;
            """,
            platform=Platform.POSTGRES,
            roles=("shop_app",),
        ),
    ),
    good=(
        Example(
            "With a barrier",
            f"""{_ORDERS}
            create view app.my_orders with (security_barrier) as
              select id, note from app.orders where buyer = current_user;
            grant select on app.my_orders to shop_app;
            """,
            platform=Platform.POSTGRES,
            roles=("shop_app",),
        ),
        Example(
            "Over a table that may be read",
            f"""{_ORDERS}
            create view app.my_orders as select id, note from app.orders where buyer = current_user;
            grant select on app.my_orders, app.orders to shop_app;
            """,
            platform=Platform.POSTGRES,
            roles=("shop_app",),
        ),
        Example(
            "With the reader's rights, and policies",
            f"""{_ORDERS}
            alter table app.orders enable row level security;
            create policy own on app.orders using (buyer = current_user);
            create view app.my_orders with (security_invoker = on) as
              select id, note from app.orders where buyer = current_user;
            grant select on app.my_orders, app.orders to shop_app;
            """,
            platform=Platform.POSTGRES,
            roles=("shop_app",),
        ),
        Example(
            "By the API, which takes no such conditions",
            """
            create table public.notes (id uuid primary key, user_id uuid, body text);
            alter table public.notes enable row level security;
            create policy own on public.notes for select to authenticated using (user_id = (select auth.uid()));
            create view public.my_notes as select id, body from public.notes where user_id = (select auth.uid());
            revoke insert, update, delete on public.my_notes from anon, authenticated;
            """,
        ),
    ),
    check=check,
)
