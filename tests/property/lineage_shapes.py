"""Views of every shape, with what they show: `orders.note` as it is, `~orders.note` within something, None unknown."""

from __future__ import annotations

ORDERS = "orders.id orders.amount orders.tags orders.doc orders.place orders.buyer orders.item orders.note"
SECRETS = "secrets.id secrets.amount secrets.tags secrets.doc secrets.place secrets.word secrets.hint secrets.name"


def within(columns: str) -> str:
    """Every one of the columns within something."""
    return " ".join(f"~{one}" for one in columns.split())


SHAPES: dict[str, tuple[str, dict[str, str | None]]] = {
    "renamed": (
        'select email as contact, name from s."People"',
        {"contact": "People.email", "name": "People.name"},
    ),
    "swapped": (
        "select item as note, note as item from s.orders",
        {"note": "orders.item", "item": "orders.note"},
    ),
    "alias with columns": (
        "select a, b from s.orders x(a, b, c, d, e, f)",
        {"a": "orders.id", "b": "orders.amount"},
    ),
    "renamed past the fifth": (
        "select f, note from s.orders x(a, b, c, d, e, f)",
        {"f": "orders.buyer", "note": "orders.note"},
    ),
    "quoted": (
        'select "pho""ne" as "Te.l", "Ré.sumé" as "ÄÖ ""x""" from s."People" "P.q"',
        {"Te.l": 'People.pho"ne', 'ÄÖ "x"': "People.Ré.sumé"},
    ),
    "cast": (
        'select note::varchar(40) as a, (note collate "C") as b from s.orders',
        {"a": "orders.note", "b": "orders.note"},
    ),
    "star": (
        "select * from s.orders",
        {one.split(".")[1]: one for one in ORDERS.split()},
    ),
    "computed": (
        """
        select lower(note) as a, note || '-' || item as b, coalesce(note, buyer) as c, note is null as d
        from s.orders
        """,
        {"a": "~orders.note", "b": "~orders.note ~orders.item", "c": "~orders.note ~orders.buyer", "d": ""},
    ),
    "case": (
        """
        select case when buyer = 'x' then note else item end as a, case buyer when 'x' then 1 end as b from
        s.orders
        """,
        {"a": "~orders.buyer ~orders.note ~orders.item", "b": "~orders.buyer"},
    ),
    "only asked for": (
        """
        select o.id from s.orders o join s.secrets x on x.id = o.id where x.word > '' group by o.id, x.hint
        order by o.id
        """,
        {"id": "orders.id"},
    ),
    "join": (
        """
        select o.note, p.name, s.name as other from s.orders o join s."People" p using (id) left join
        s.secrets s on s.id = p.id
        """,
        {"note": "orders.note", "name": "People.name", "other": "secrets.name"},
    ),
    "full join using": (
        "select id, coalesce(o.note, x.hint) as a from s.orders o full join s.secrets x using (id)",
        {"id": "orders.id secrets.id", "a": "~orders.note ~secrets.hint"},
    ),
    "natural join": (
        "select id, hint, note from s.orders natural join (select id, hint from s.secrets) x",
        {"id": "orders.id", "hint": "secrets.hint", "note": "orders.note"},
    ),
    "join with an alias": (
        """
        select j.a, j.i, j.word from (s.orders o join s.secrets x on o.id = x.id) j(a, b, c, d, e, f, g, h,
        i, j)
        """,
        {"a": "orders.id", "i": "secrets.id", "word": "secrets.word"},
    ),
    "cross join": (
        "select x.word, o.note from s.orders o, s.secrets x",
        {"word": "secrets.word", "note": "orders.note"},
    ),
    "self join": (
        "select a.note, b.item from s.orders a, s.orders b",
        {"note": "orders.note", "item": "orders.item"},
    ),
    "whole row": (
        """
        select o as a, to_jsonb(o) as b, to_json(row(o.note, 1)) as c, to_json(row(o.*)) as d from s.orders
        o
        """,
        {"a": ORDERS, "b": within(ORDERS), "c": "~orders.note", "d": within(ORDERS)},
    ),
    "whole row of a derived table": (
        "select row_to_json(x) as a, x::text as b from (select note, lower(item) as i from s.orders) x",
        {"a": "~orders.note ~orders.item", "b": "orders.note ~orders.item"},
    ),
    "whole row of a join": (
        """
        select to_jsonb(z) as a from (s.orders o join s.secrets x on o.id = x.id) z(a, b, c, d, e, f, g, h,
        i, j, k, l, m)
        """,
        {"a": within(f"{ORDERS} {SECRETS}")},
    ),
    "json": (
        """
        select json_build_object('a', note, 'b', item) as a, doc -> 'k' as b, doc #>> '{k}' as c from
        s.orders
        """,
        {"a": "~orders.note ~orders.item", "b": "~orders.doc", "c": "~orders.doc"},
    ),
    "composite and array": (
        "select (place).street as a, tags[1] as b from s.orders",
        {"a": "~orders.place", "b": "~orders.tags"},
    ),
    "counts": (
        """
        select count(*) as a, count(note) as b, sum(id) as c, count(*) filter (where note > '') as d,
        count(note) over () as e from s.orders group by note
        """,
        {"a": "", "b": "", "c": "", "d": "", "e": ""},
    ),
    "aggregates": (
        """
        select array_agg(note order by item) as a, string_agg(item, ',') as b, max(buyer) as c, jsonb_agg(o)
        as d, jsonb_object_agg(id, note) as e, array_agg(note) filter (where item > '') as f from s.orders o
        """,
        {
            "a": "~orders.note",
            "b": "~orders.item",
            "c": "~orders.buyer",
            "d": within(ORDERS),
            "e": "~orders.id ~orders.note",
            "f": "~orders.note",
        },
    ),
    "within group": (
        """
        select mode() within group (order by note) as a, percentile_disc(0.5) within group (order by item)
        as b from s.orders
        """,
        {"a": "~orders.note", "b": "~orders.item"},
    ),
    "an aggregate that is called sum": (
        "select s.sum(note) as a from s.orders",
        {"a": "~orders.note"},
    ),
    "a sum that runs along": (
        """
        select sum(amount) over (order by id) as a, sum(amount) filter (where id > 0) over (order by note)
        as b from s.orders
        """,
        {"a": "~orders.amount", "b": "~orders.amount"},
    ),
    "windows": (
        """
        select first_value(note) over w as a, lag(item) over w as b, row_number() over (partition by buyer
        order by note) as c from s.orders window w as (partition by id order by buyer)
        """,
        {"a": "~orders.note", "b": "~orders.item", "c": ""},
    ),
    "distinct on": (
        "select distinct on (buyer) note from s.orders order by buyer, item",
        {"note": "orders.note"},
    ),
    "grouping sets": (
        "select note, item, count(*) as n from s.orders group by grouping sets ((note), (item), ())",
        {"note": "orders.note", "item": "orders.item", "n": ""},
    ),
    "union": (
        "select note as a, 1 as b from s.orders union all select word, 2 from s.secrets",
        {"a": "orders.note secrets.word", "b": ""},
    ),
    "union, in another order": (
        "select note as a, item as b from s.orders union select item, lower(note) from s.orders",
        {"a": "orders.note orders.item", "b": "orders.item ~orders.note"},
    ),
    "except and intersect": (
        """
        select a.note as x from s.orders a except (select word from s.secrets intersect select hint from
        s.secrets)
        """,
        {"x": "orders.note"},
    ),
    "intersect": (
        "(select note as x from s.orders limit 2) intersect select item from s.orders",
        {"x": "orders.note orders.item"},
    ),
    "subquery in from": (
        "select y.b, y.a from (select x.note as a, x.item as b from (select * from s.orders) x) y(a, b)",
        {"b": "orders.item", "a": "orders.note"},
    ),
    "lateral": (
        """
        select l.t, l.u from s.orders o, lateral (select o.note as t, x.word as u from s.secrets x where
        x.id = o.id) l
        """,
        {"t": "orders.note", "u": "secrets.word"},
    ),
    "scalar subquery": (
        """
        select (select x.word from s.secrets x where x.id = o.id) as a, (select max(x.hint) from s.secrets
        x) as b, array(select x.name from s.secrets x) as c, (select o.note) as d, (select
        to_json(row(x.word, x.hint)) from s.secrets x limit 1) as e from s.orders o
        """,
        {
            "a": "secrets.word",
            "b": "~secrets.hint",
            "c": "~secrets.name",
            "d": "orders.note",
            "e": "~secrets.word ~secrets.hint",
        },
    ),
    "asking whether there is": (
        """
        select exists (select word from s.secrets) as a, o.note in (select word from s.secrets) as b, case
        when o.item = any (select hint from s.secrets) then 1 end as c, o.note = all (select word from
        s.secrets) as d from s.orders o
        """,
        {"a": "", "b": "", "c": "~orders.item", "d": ""},
    ),
    "with": (
        """
        with x as (select note as a, item as b from s.orders), y(p, q) as materialized (select b, a from x)
        select q, p, x.a from y, x
        """,
        {"q": "orders.note", "p": "orders.item", "a": "orders.note"},
    ),
    "with, hidden by another": (
        """
        with x as (select note as a from s.orders) select (with x as (select word as a from s.secrets)
        select max(a) from x) as i, x.a from x
        """,
        {"i": "~secrets.word", "a": "orders.note"},
    ),
    "with, called like a table": (
        """
        with orders as (select word as note from s.secrets) select a.note, b.note as n from orders a,
        s.orders b
        """,
        {"note": "secrets.word", "n": "orders.note"},
    ),
    "with, over a union": (
        "with x as (select note, item from s.orders) select note from x union all select item from x",
        {"note": "orders.note orders.item"},
    ),
    "recursive": (
        """
        with recursive t(a, b, c, n) as (select note, item, buyer, 1 from s.orders union all select b, c, a,
        n + 1 from t where n < 4) select a, b, c, n from t
        """,
        {
            "a": "orders.note orders.item orders.buyer",
            "b": "orders.note orders.item orders.buyer",
            "c": "orders.note orders.item orders.buyer",
            "n": "",
        },
    ),
    "recursive, with paths": (
        """
        with recursive t(id, p) as (select id, array[note] from s.orders union all select t.id + 1, t.p ||
        o.item from t join s.orders o on o.id = t.id + 1) select id, p, p[1] as f from t
        """,
        {"id": "orders.id ~orders.id", "p": "~orders.note ~orders.item", "f": "~orders.note ~orders.item"},
    ),
    "functions in from": (
        """
        select j.key, j.value, u.u, g.g, w.o from s.orders o, jsonb_each_text(o.doc) j, unnest(o.tags) u(u),
        generate_series(1, 2) g(g), unnest(array[o.note]) with ordinality w(t, o)
        """,
        {"key": "~orders.doc", "value": "~orders.doc", "u": "~orders.tags", "g": "", "o": "~orders.note"},
    ),
    "rows from": (
        """
        select x.a, x.b from s.orders o, lateral rows from (unnest(o.tags), unnest(array[o.note])) x(a, b)
        """,
        {"a": "~orders.tags ~orders.note", "b": "~orders.tags ~orders.note"},
    ),
    "sets in the output": (
        "select unnest(tags) as a, (jsonb_each(doc)).value as b from s.orders",
        {"a": "~orders.tags", "b": "~orders.doc"},
    ),
    "values": (
        "select x.a, o.note from (values (1, 'a'), (2, 'b')) x(a, b) join s.orders o on o.id = x.a",
        {"a": "", "note": "orders.note"},
    ),
    "values of rows": (
        "select x.a, x.b from s.orders o, lateral (values (o.note, 1), (o.item, 2)) x(a, b)",
        {"a": "orders.note orders.item", "b": ""},
    ),
    "functions": (
        "select s.twice(note) as a, s.told(id) as b from s.orders",
        {"a": "~orders.note", "b": "~orders.id ~secrets.word"},
    ),
    "a function that gives rows": (
        "select x.word, o.note from s.all_secrets() x, s.orders o",
        {"word": within(SECRETS), "note": "orders.note"},
    ),
    "text functions": (
        """
        select substring(note from 1 for 9) as a, trim(both from item) as b, overlay(note placing 'x' from
        1) as c, position('q' in note) as d, extract(epoch from to_timestamp(id)) as e, format('%s!', note)
        as f, concat_ws(',', note, item) as g, greatest(note, item) as h, nullif(note, buyer) as i from
        s.orders
        """,
        {
            "a": "~orders.note",
            "b": "~orders.item",
            "c": "~orders.note",
            "d": "~orders.note",
            "e": "~orders.id",
            "f": "~orders.note",
            "g": "~orders.note ~orders.item",
            "h": "~orders.note ~orders.item",
            "i": "~orders.note ~orders.buyer",
        },
    ),
    "xml": (
        """
        select xmlelement(name a, xmlattributes(note as b), item) as a, xmlforest(buyer as c) as b from
        s.orders
        """,
        {"a": "~orders.note ~orders.item", "b": "~orders.buyer"},
    ),
    "asking whether there is, as a text": (
        """
        select (exists (select word from s.secrets))::text as a, (note in (select word from s.secrets))::text as b
        from s.orders
        """,
        {"a": "", "b": "~orders.note"},
    ),
    "a whole row, not understood": (
        """
        select x.a, o.id from s.orders o,
          lateral xmltable('/r' passing xmlelement(name r, to_json(o)::text) columns a text path '.') x
        """,
        {"a": None, "id": None},
    ),
    "xmltable": (
        """
        select x.a from s.orders o, lateral xmltable('/r' passing xmlelement(name r, o.note) columns a text
        path '.') x
        """,
        {"a": None},
    ),
    "tablesample and only": (
        "select o.note from only s.orders o tablesample bernoulli (100)",
        {"note": "orders.note"},
    ),
    "system columns": (
        "select ctid as c, tableoid::regclass as t, o.xmin::text as x from s.orders o",
        {"c": "", "t": "", "x": ""},
    ),
    "system relations": (
        "select c.relname, o.note from pg_class c join s.orders o on true where c.relname = 'orders'",
        {"relname": "", "note": "orders.note"},
    ),
    "nothing of a row": (
        "select current_user as a, now() as b, 1 as c, null::text as d from s.orders",
        {"a": "", "b": "", "c": "", "d": ""},
    ),
    "operators": (
        """
        select note ~ 'x' as a, note operator(pg_catalog.||) item as b, not (note > item) as c, -id as d,
        note like 'q%' as e from s.orders
        """,
        {"a": "", "b": "~orders.note ~orders.item", "c": "", "d": "~orders.id", "e": ""},
    ),
    "at time zone": (
        "select to_timestamp(id) at time zone 'UTC' as a, (id || ' days')::interval as b from s.orders",
        {"a": "~orders.id", "b": "~orders.id"},
    ),
}
