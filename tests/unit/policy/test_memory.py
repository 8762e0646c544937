"""What was decided over a database goes when the database goes: nothing else holds on to it."""

from __future__ import annotations

import gc
import weakref

from rlsaudit.access import Access
from rlsaudit.catalog import Catalog, take
from rlsaudit.catalog.platform import Platform
from rlsaudit.connect import connect
from rlsaudit.model import Operation, Reach
from rlsaudit.personas import built_in
from rlsaudit.policy.decide import decide, prover_of, read_once
from rlsaudit.reach.predicates import Predicates

SCHEMA = """
create table public.members (org_id uuid, user_id uuid, primary key (org_id, user_id));
create table public.docs (id uuid primary key, org_id uuid);
alter table public.docs enable row level security;
create policy p on public.docs using (org_id in (select m.org_id from public.members m where m.user_id = auth.uid()));
"""


def test_a_database_is_forgotten(supabase_database: str) -> None:
    with connect(supabase_database) as session:
        session.execute(SCHEMA)
        # As where the catalog is read.
        session.execute("set search_path to ''")
        catalog = Catalog(take(session))
    forgotten = _decided(catalog, "authenticated")
    gc.collect()
    assert [one() for one in forgotten] == [None, None]


def _decided(catalog: Catalog, name: str) -> list[weakref.ref[object]]:
    """Decides a policy by proof, and returns what the database and its formula were."""
    persona = built_in(name)
    assert persona is not None
    predicates = Predicates(Access(catalog), Platform.SUPABASE)
    docs = catalog.relations_by_name["public", "docs"]
    formula = predicates.using(persona, catalog.roles_by_name[name].oid, docs, Operation.SELECT)
    assert decide(formula).at_most is Reach.OWN
    assert decide(formula) is decide(formula)
    assert read_once(formula, predicates) is read_once(formula, predicates)
    assert prover_of(predicates) is prover_of(predicates)
    return [weakref.ref(predicates), weakref.ref(prover_of(predicates))]
