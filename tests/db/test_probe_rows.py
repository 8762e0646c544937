"""Synthetic rows on a real server: into every table, with owners that are known, and nothing of it is left."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from rlsaudit.access import Access
from rlsaudit.catalog import Catalog, platform_of, take
from rlsaudit.catalog.platform import Platform
from rlsaudit.connect import connect
from rlsaudit.demo import load
from rlsaudit.model import Persona
from rlsaudit.personas import built_in
from rlsaudit.policy.read import read
from rlsaudit.policy.said import Said, said
from rlsaudit.probe.rows import Principal, Sown, seed
from rlsaudit.reach.predicates import Predicates

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rlsaudit.connect import Session
    from rlsaudit.engine import Server

A, B, Z = (
    Principal(
        name,
        f"{letter * 8}-0000-4000-8000-000000000000",
        {
            "sub": f"{letter * 8}-0000-4000-8000-000000000000",
            "role": "authenticated",
            "email": f"{name.lower()}@example.com",
            "app_metadata": {"org": f"org of {name}"},
        },
        crowd=name == "Z",
    )
    for name, letter in (("A", "a"), ("B", "b"), ("Z", "c"))
)
PRINCIPALS = (A, B, Z)
FOREIGN = "a foreign table: its rows are elsewhere"


class Sowed:
    """What was put in, by the names of tables."""

    def __init__(self, catalog: Catalog, sown: Sown, round_trips: int) -> None:
        self.catalog = catalog
        self.sown = sown
        self.round_trips = round_trips
        self.missing = {self.name(oid): reason for oid, reason in sown.seeds.missing.items()}

    def name(self, oid: int) -> str:
        return self.catalog.identity(self.catalog.relations[oid])

    def rows(self, table: str, owner: str = "A") -> list[Mapping[str, str | None]]:
        found = [one for one in self.sown.seeds.rows if self.name(one.relation) == table and one.owner == owner]
        return [one.values for one in found]

    def column(self, table: str, column: str, owner: str = "A") -> list[str | None]:
        return [one[column] for one in self.rows(table, owner)]

    def owners(self, table: str) -> Counter[str]:
        return Counter(one.owner for one in self.sown.seeds.rows if self.name(one.relation) == table)


def what_policies_say(catalog: Catalog) -> Said:
    predicates = Predicates(Access(catalog), platform_of(catalog))
    who = built_in("authenticated") if platform_of(catalog) is Platform.SUPABASE else None
    if who is None:
        who = Persona("who", catalog.snapshot.viewer.name, settings={"app.tenant": "$tenant"})
    texts = [
        (catalog.relations[one.relation], text)
        for one in catalog.snapshot.policies
        for text in (one.using, one.check)
        if text
    ]
    return said(read(predicates.alone(who, relation, text)) for relation, text in texts)


def sow(
    url: str, schema: str = "", *, throwaway: bool = False, principals: tuple[Principal, ...] = PRINCIPALS
) -> Sowed:
    """Makes the schema, puts rows in, and takes them back."""
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(schema.encode())
        before = state(admin)
        with connect(url) as session:
            found = put_in(session, throwaway=throwaway, principals=principals)
        if not throwaway:
            assert state(admin) == before
    return found


def put_in(session: Session, *, throwaway: bool, principals: tuple[Principal, ...]) -> Sowed:
    with session.read_only():
        catalog = Catalog(take(session))
    relations = [one for one in catalog.snapshot.relations if catalog.schema_name(one) not in {"auth", "storage"}]
    if platform_of(catalog).value == "supabase":
        relations = [one for one in relations if catalog.schema_name(one) == "public"]
        relations += [catalog.relations_by_name["storage", "objects"]]
    talk = what_policies_say(catalog)
    with session.rolled_back():
        before = session.round_trips
        sown = seed(session, catalog, relations, principals, talk, throwaway=throwaway)
        return Sowed(catalog, sown, session.round_trips - before)


def state(admin: psycopg.Connection[Any]) -> list[Any]:
    """Rows of every table, and where sequences are."""
    tables = admin.execute(
        "select format('%I.%I', schemaname, tablename) from pg_tables"
        " where schemaname not in ('pg_catalog', 'information_schema') order by 1"
    ).fetchall()
    counts = [(name, admin.execute(f"select count(*) from {name}".encode()).fetchall()) for (name,) in tables]
    sequences = admin.execute("select schemaname, sequencename, last_value from pg_sequences order by 1, 2").fetchall()
    return [counts, sequences, admin.execute("select count(*) from pg_locks where locktype = 'advisory'").fetchall()]


class TestTypes:
    def test_every_type_of_the_server_that_a_column_may_have(self, database: str) -> None:
        with psycopg.connect(database, autocommit=True) as admin:
            types = admin.execute(
                "select t.oid::regtype::text from pg_type t where typnamespace = 'pg_catalog'::regnamespace"
                " and typtype in ('b', 'r', 'm') and typcategory <> 'A' and typrelid = 0 and typinput <> 0"
                # What is computed and cannot be written, and a type that only the server's own tables have.
                " and typname not in ('pg_node_tree', 'pg_ndistinct', 'pg_dependencies', 'pg_mcv_list', 'aclitem',"
                " 'pg_brin_bloom_summary', 'pg_brin_minmax_multi_summary', 'gtsvector')"
                " order by 1"
            ).fetchall()
        assert len(types) > 60
        columns = "".join(f"create table c{n} (v {name} not null);\n" for n, (name,) in enumerate(types))
        arrays = "".join(f"create table a{n} (v {name}[] not null);\n" for n, (name,) in enumerate(types))
        found = sow(database, columns + arrays)
        assert found.missing == {}
        every = [f"public.{letter}{n}" for n in range(len(types)) for letter in "ca"]
        assert [one for one in every if found.owners(one).keys() != {"A", "B", "Z"}] == []
        # In batches: round trips do not grow with the number of tables.
        assert found.round_trips < 15

    def test_modifiers_are_kept(self, database: str) -> None:
        found = sow(
            database,
            "create table t (a varchar(3) not null unique, b char(2) not null, c numeric(3,2) not null,"
            " d numeric(2,2) not null, e bit(5) not null, f varbit(2) not null, g timestamptz(3) not null,"
            " h interval(2) not null, i varchar(5)[] not null, j char not null, k numeric(4,0) unique not null,"
            " l smallint unique not null, m time(1) not null)",
        )
        assert found.missing == {}
        assert found.owners("public.t").keys() == {"A", "B", "Z"}

    def test_enums_domains_and_composites(self, database: str) -> None:
        found = sow(
            database,
            "create type mood as enum ('glad', 'sad', 'it''s \"so\"');"
            "create type pair as (a int, b text, c mood, d numeric(3,1)[]);"
            "create domain email as text check (value ~ '^[^@]+@[^@]+\\.[^@]+$');"
            "create domain short as email check (length(value) <= 30) not null;"
            "create domain percent as int default 5 check (value between 0 and 100);"
            "create domain code as varchar(6) check (value ~ '^[A-Z]{6}$');"
            "create table t (m mood not null, p pair not null, e email not null, s short, c code not null,"
            " x percent not null, ms mood[] not null, ps pair[] not null, es email[] not null)",
        )
        assert found.missing == {}
        assert {"glad", "sad", 'it\'s "so"'} <= set(found.column("public.t", "m"))
        assert all("@" in (one or "") for one in found.column("public.t", "e"))

    def test_extension_types_whose_text_form_is_known_and_one_of_which_it_is_not(self, database: str) -> None:
        found = sow(
            database,
            "create extension citext; create extension hstore; create extension ltree; create extension cube;"
            "create table t (a citext not null unique, b hstore not null, c ltree not null, d cube not null);"
            "create type odd;"
            "create function odd_in(cstring) returns odd language internal immutable strict as 'textin';"
            "create function odd_out(odd) returns cstring language internal immutable strict as 'textout';"
            "create type odd (input = odd_in, output = odd_out);"
            "create table u (a odd not null); create table v (a odd)",
        )
        assert found.missing == {"public.u": "no text form is known of the type public.odd of a"}
        assert found.owners("public.t").total() >= 3
        assert found.column("public.v", "a")[0] is None


class TestConstraints:
    def test_values_that_checks_let_pass_are_searched(self, database: str) -> None:
        found = sow(
            database,
            """
            create table t (
              id int primary key check (id > 0),
              status text not null check (status in ('draft', 'published', 'archived')),
              published_at timestamptz,
              check (status <> 'published' or published_at is not null),
              mail text not null check (mail ~* '^[a-z0-9._%-]+@[a-z0-9.-]+[.][a-z]{2,4}$'),
              site text not null check (site like 'https://%'),
              slug text not null unique check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
              tel text not null check (tel ~ '^[+][1-9][0-9]{7,14}$'),
              colour text not null check (colour ~ '^#[0-9a-fA-F]{6}$'),
              iso text not null check (iso ~ '^[A-Z]{2}$'),
              pin text not null check (pin ~ '^[0-9]{4}$'),
              title text not null check (char_length(title) between 3 and 8),
              body text not null check (length(body) >= 120),
              price numeric not null check (price >= 9.99 and price < 20),
              rating int not null check (rating between 1 and 5),
              year int not null check (year > 1900 and year < 2100),
              starts date not null, ends date not null, check (ends > starts),
              one int, other int, check (num_nonnulls(one, other) = 1),
              extra jsonb not null check (jsonb_typeof(extra) = 'array'),
              tags text[] not null check (cardinality(tags) > 0),
              low int not null, high int not null, check (low < high and high <= 3)
            );
            create table u (
              status text not null default 'draft' check (status in ('draft', 'published', 'archived')),
              published_at timestamptz,
              check (status <> 'published' or published_at is not null)
            );
            create function public.scope() returns text language sql immutable as $$ select 'org' $$;
            create table v (
              scope text not null check (scope = public.scope()),
              version text not null check (version ~ '^[0-9]+\\.[0-9]+$'),
              home text not null check (home ~* '^https?://(www\\.)?(x\\.com|twitter\\.com)/[A-Za-z0-9_]{1,15}/?$')
            )
            """,
        )
        assert found.missing == {}
        assert found.owners("public.t").keys() == {"A", "B", "Z"}
        assert set(found.column("public.u", "status")) == {"draft", "published", "archived"}
        assert all(one["published_at"] for one in found.rows("public.u") if one["status"] == "published")

    def test_what_cannot_be_met_is_missing_with_the_reason(self, database: str) -> None:
        found = sow(
            database,
            "create table t (a text not null check (md5(a) = 'x')); create table u (a int check (a > 1 and a < 1));"
            "create table w (a int not null, b int not null, check (a < b), check (b < a))",
        )
        assert found.missing["public.t"] == "no value was found for a that its CHECK lets pass"
        assert "public.u" not in found.missing
        assert "w_check" in found.missing["public.w"]

    def test_keys_and_exclusions_of_every_sort(self, database: str) -> None:
        found = sow(
            database,
            "create table t (a uuid unique, b text unique, c int unique, d date unique, e numeric(6,2) unique,"
            " f inet unique, g tstzrange, exclude using gist (g with &&), h bytea unique, primary key (a, b));"
            "create table u (a bool, b text, primary key (a, b));"
            "create table w (a text check (a in ('x', 'y', 'z')) primary key)",
        )
        assert found.missing == {}
        assert found.owners("public.t").keys() == {"A", "B", "Z"}
        assert sorted(found.column("public.w", "a")[0] or "" for _ in "1") <= ["z"]
        assert found.owners("public.w").keys() == {"A", "B", "Z"}

    def test_generated_and_identity_columns_and_no_sequence_is_drawn_from(self, database: str) -> None:
        found = sow(
            database,
            "create sequence s; create table t (id bigint generated always as identity primary key, a serial,"
            " b int default nextval('s'), c int generated by default as identity, d text not null,"
            " e text generated always as (upper(d)) stored, f uuid default gen_random_uuid() primary key)".replace(
                " identity primary key, a", " identity, a"
            ),
        )
        assert found.missing == {}
        assert found.owners("public.t").keys() == {"A", "B", "Z"}
        assert found.rows("public.t")[0]["e"] == (found.rows("public.t")[0]["d"] or "").upper()

    def test_a_constant_of_a_check_is_no_key_for_everybody(self, database: str) -> None:
        found = sow(
            database,
            "create table t (id int primary key, code text not null unique, kind text not null,"
            " check (code <> 'none' or kind <> 'none'))",
        )
        assert found.missing == {}
        assert all(found.rows("public.t", owner) for owner in "ABZ")


class TestForeignKeys:
    def test_rows_point_at_their_owners_rows(self, database: str) -> None:
        found = sow(
            database,
            "create table org (id uuid primary key, name text);"
            "create table project (org uuid references org, id int, primary key (org, id), lead uuid);"
            "create table task (id bigint primary key, org uuid not null, project int not null,"
            " foreign key (org, project) references project,"
            " also uuid not null references org, up bigint references task);"
            "create table label (id serial primary key, task bigint unique not null references task)",
        )
        assert found.missing == {}
        for owner in "ABZ":
            orgs = set(found.column("public.org", "id", owner))
            assert all(one["org"] == one["also"] for one in found.rows("public.task", owner))
            assert set(found.column("public.task", "org", owner)) <= orgs
            assert set(found.column("public.label", "task", owner)) <= set(found.column("public.task", "id", owner))
            assert len(found.rows("public.label", owner)) > 1

    def test_circles(self, database: str) -> None:
        found = sow(
            database,
            "create table a (id uuid primary key); create table b (id uuid primary key, a uuid not null references a);"
            "alter table a add best uuid references b;"
            "create table c (id uuid primary key); create table d (id uuid primary key, c uuid not null references c);"
            "alter table c add d uuid not null references d deferrable;"
            "create table e (id uuid primary key, up uuid not null references e);"
            "create table f (id uuid primary key); create table g (id uuid primary key, f uuid not null references f);"
            "alter table f add g uuid not null references g; create table h (f uuid not null references f)",
        )
        stuck = "foreign keys go in a circle in which no row can be the first"
        assert found.missing == {"public.f": stuck, "public.g": stuck, "public.h": stuck}
        assert set(found.column("public.a", "best")) <= set(found.column("public.b", "id"))
        assert found.column("public.c", "d")[0] in found.column("public.d", "id")
        assert found.column("public.e", "up")[0] in found.column("public.e", "id")

    def test_who_blocks_somebody_blocks_somebody_else(self, database: str) -> None:
        found = sow(
            database,
            "create table person (id uuid primary key, unique (id));"
            "create table block (by uuid not null references person, who uuid not null references person,"
            " check (by <> who), primary key (by, who))",
        )
        assert found.missing == {}
        assert all((one["by"] or "").startswith("a" * 8) for one in found.rows("public.block"))

    def test_partitions_and_children(self, database: str) -> None:
        found = sow(
            database,
            "create table r (id int, day date not null, region text not null, primary key (id, day, region))"
            " partition by range (day);"
            "create table r_old partition of r for values from (minvalue) to ('2020-01-01');"
            "create table r_new partition of r for values from ('2020-01-01') to ('2021-01-01')"
            " partition by list (region);"
            "create table r_new_eu partition of r_new for values in ('eu', 'uk');"
            "create table r_new_us partition of r_new for values in ('us');"
            "create table h (id uuid primary key, note text) partition by hash (id);"
            "create table h0 partition of h for values with (modulus 2, remainder 0);"
            "create table h1 partition of h for values with (modulus 2, remainder 1);"
            "create table base (a int, mine uuid); create table child (b int not null) inherits (base);"
            "create table empty (a int) partition by list (a)",
        )
        assert set(found.missing) <= {"public.empty", "public.h0", "public.h1"}
        assert "no partition" in found.missing["public.empty"]
        stored = {found.name(one.stored) for one in found.sown.seeds.rows}
        assert {"public.r_old", "public.r_new_eu", "public.r_new_us", "public.base", "public.child"} <= stored
        assert stored & {"public.h0", "public.h1"}
        assert found.owners("public.r").keys() == {"A", "B", "Z"}


class TestTriggers:
    def test_what_stands_in_the_way_is_told(self, database: str) -> None:
        found = sow(
            database,
            """
            create function no() returns trigger language plpgsql as $$ begin raise exception 'not you'; end $$;
            create function swallow() returns trigger language plpgsql as $$ begin return null; end $$;
            create function wait() returns trigger language plpgsql as
              $$ begin perform pg_sleep(60); return new; end $$;
            create function odd() returns trigger language plpgsql as $$ begin execute 'select 1'; return new; end $$;
            create function fill() returns trigger language plpgsql as $$ begin new.b := 'filled'; return new; end $$;
            create table log (id bigserial primary key, what text);
            create function audit() returns trigger language plpgsql as
              $$ begin insert into public.log (what) values ('x'); return new; end $$;
            create sequence s;
            create function numbered() returns int language sql as 'select nextval(''public.s'')::int';
            create table raises (a int); create trigger t before insert on raises for each row execute function no();
            create table swallows (a int);
            create trigger t before insert on swallows for each row execute function swallow();
            create table waits (a int); create trigger t after insert on waits for each row execute function wait();
            create table runs (a int); create trigger t after insert on runs execute function odd();
            create table audits (a int); create trigger t after insert on audits for each row execute function audit();
            create table fills (a int, b text);
            create trigger t before insert on fills for each row execute function fill();
            create table numbers (a int default numbered());
            create table off (a int); create trigger t before insert on off for each row execute function no();
            alter table off disable trigger t;
            create table updates (a int); create trigger t before update on updates for each row execute function no();
            create table ruled (a int); create rule r as on insert to ruled do instead nothing;
            create table locks (a int default pg_advisory_lock(1)::text::int);
            """,
        )
        reasons = {name.removeprefix("public."): reason for name, reason in found.missing.items()}
        assert reasons.pop("raises") == "not you (P0001)"
        assert reasons.pop("swallows") == "a trigger lets no row in"
        assert "pg_sleep" in reasons.pop("waits")
        assert "dynamic SQL" in reasons.pop("runs")
        assert (
            reasons.pop("audits") == "public.log is written as well: it calls nextval: a sequence would stay advanced"
        )
        assert "nextval" in reasons.pop("numbers")
        assert "rule" in reasons.pop("ruled")
        assert "pg_advisory_lock" in reasons.pop("locks")
        assert reasons == {}
        assert found.column("public.fills", "b")[0] == "filled"

    def test_on_a_throwaway_server_sequences_may_be_drawn_from(self, database: str) -> None:
        found = sow(
            database,
            "create table log (id bigserial primary key, what text);"
            "create function audit() returns trigger language plpgsql as"
            " $$ begin insert into public.log (what) values ('x'); return new; end $$;"
            "create table audits (a int);"
            "create trigger t after insert on audits for each row execute function audit();",
            throwaway=True,
        )
        assert found.missing == {}

    def test_a_row_that_a_trigger_made_is_its_owners(self, supabase_database: str) -> None:
        found = sow(
            supabase_database,
            """
            create table public.profiles (id uuid primary key references auth.users, shown boolean default false);
            alter table public.profiles enable row level security;
            create policy p on public.profiles using (shown or id = auth.uid());
            create function public.welcome() returns trigger language plpgsql security definer set search_path = '' as
              $$ begin insert into public.profiles (id) values (new.id); return new; end $$;
            create trigger welcome after insert on auth.users for each row execute function public.welcome();
            create table public.posts (id uuid primary key, author uuid not null references public.profiles);
            """,
        )
        assert found.missing == {}
        assert found.column("public.profiles", "id") == [A.user]
        assert found.column("public.posts", "author")[0] == A.user
        # Of those who stand for many some differ.
        assert {"true", "false"} <= set(found.column("public.profiles", "shown", "Z"))

    def test_a_profile_that_wants_a_name_gets_what_its_user_says_of_itself(self, supabase_database: str) -> None:
        found = sow(
            supabase_database,
            """
            create table public.profiles (id uuid primary key references auth.users, name text not null);
            create function public.welcome() returns trigger language plpgsql security definer set search_path = ''
              as $$ begin
              insert into public.profiles (id, name) values (new.id, new.raw_user_meta_data ->> 'full_name');
              return new; end $$;
            create trigger welcome after insert on auth.users for each row execute function public.welcome();
            """,
        )
        assert found.missing == {}
        assert found.column("public.profiles", "id") == [A.user]

    def test_a_user_says_of_itself_what_a_profile_takes(self, supabase_database: str) -> None:
        found = sow(
            supabase_database,
            """
            create type public.plan as enum ('free', 'paid');
            create table public.profiles (
              id uuid primary key references auth.users, name text not null, plan public.plan not null,
              role text not null default 'user' check (role in ('admin', 'user')));
            create function public.welcome() returns trigger language plpgsql security definer set search_path = ''
              as $$ begin
              insert into public.profiles (id, name, plan, role) values (
                new.id, new.raw_user_meta_data ->> 'name', (new.raw_user_meta_data ->> 'plan')::public.plan,
                coalesce(new.raw_user_meta_data ->> 'role', 'user'));
              return new; end $$;
            create trigger welcome after insert on auth.users for each row execute function public.welcome();
            """,
        )
        assert found.missing == {}
        assert (found.column("public.profiles", "plan"), found.column("public.profiles", "role")) == (
            ["free"],
            ["user"],
        )

    def test_another_row_of_its_owners_is_pointed_at_where_one_is_refused(self, supabase_database: str) -> None:
        """As where everybody has an account of its own from the start, and invites people to others."""
        found = sow(
            supabase_database,
            """
            create table public.accounts (
              id uuid primary key default gen_random_uuid(), owner_id uuid not null references auth.users,
              personal boolean not null default false, slug text unique,
              check ((personal and slug is null) or (not personal and slug is not null)));
            alter table public.accounts enable row level security;
            create policy p on public.accounts using (id = auth.uid() or owner_id = auth.uid());
            create function public.welcome() returns trigger language plpgsql security definer set search_path = ''
              as $$ begin insert into public.accounts (id, owner_id, personal) values (new.id, new.id, true);
              return new; end $$;
            create trigger welcome after insert on auth.users for each row execute function public.welcome();
            create table public.invitations (
              id uuid primary key, account_id uuid not null references public.accounts, email text);
            create function public.only_teams() returns trigger language plpgsql as $$ begin
              if (select personal from public.accounts where id = new.account_id) then
                raise exception 'no team'; end if;
              return new; end $$;
            create trigger only_teams before insert on public.invitations for each row
              execute function public.only_teams();
            """,
        )
        assert found.missing == {}
        for owner in "ABZ":
            assert {"true", "false"} == set(found.column("public.accounts", "personal", owner))
            assert len(found.rows("public.invitations", owner)) > 0


class TestOwners:
    def test_columns_that_say_whose_a_row_is(self, supabase_database: str) -> None:
        found = sow(
            supabase_database,
            """
            create table public.notes (id uuid primary key default gen_random_uuid(), who uuid, label text,
              org text, ids uuid[], kind text, n int, data jsonb, seen timestamptz);
            create table public.members (org text, person uuid, role text, primary key (org, person));
            create table public.plain (user_id uuid, owner_id text, created_by uuid, code text);
            create table public.tenants (org uuid primary key); create table public.inside (org uuid, code int);
            create table public.seats (org uuid, who uuid references auth.users);
            alter table public.notes enable row level security; alter table public.inside enable row level security;
            create policy p on public.notes using (who = auth.uid() or label = auth.email() or auth.uid() = any (ids)
              or org = auth.jwt() -> 'app_metadata' ->> 'org' or kind in ('a', 'b') or n > 7
              or data ->> 'open' = 'yes' or seen is null);
            create policy p on public.inside using (exists (
              select from public.seats s where s.org = inside.org and s.who = auth.uid()));
            create policy q on public.members using (person = auth.uid() and role = 'owner');
            """,
        )
        assert found.missing == {}
        first = found.rows("public.notes")[0]
        assert (first["who"], first["label"], first["org"]) == (A.user, "a@example.com", "org of A")
        assert A.user in (first["ids"] or "")
        assert {"a", "b"} <= set(found.column("public.notes", "kind"))
        assert {"7", None} & set(found.column("public.notes", "n"))
        assert any("yes" in (one or "") for one in found.column("public.notes", "data"))
        assert None in found.column("public.notes", "seen")
        assert set(found.column("public.members", "person", "B")) == {B.user}
        assert "owner" in found.column("public.members", "role")
        assert set(found.column("public.plain", "owner_id")) == {A.user}
        assert set(found.column("public.plain", "created_by")) == {A.user}
        # No foreign key ties them, but a policy does.
        assert found.column("public.inside", "org")[0] == found.column("public.seats", "org")[0]
        assert found.column("public.inside", "org")[0] != found.column("public.inside", "org", "B")[0]

    def test_every_key_tells_whose_it_is(self, supabase_database: str) -> None:
        with psycopg.connect(supabase_database, autocommit=True) as admin:
            load(admin)
        found = sow(supabase_database, throwaway=True)
        assert {name: reason for name, reason in found.missing.items() if name.startswith("public.")} == {}
        for one in found.sown.seeds.rows:
            keys = [value for value in one.values.values() if value and value[8:9] == "-" and len(value) == 36]
            own = next(each.mark for each in PRINCIPALS if each.name == one.owner)
            assert all(value.startswith(own) for value in keys), (found.name(one.relation), one)

    def test_files_lie_in_their_owners_folder_of_the_buckets_that_policies_name(self, supabase_database: str) -> None:
        found = sow(
            supabase_database,
            "insert into storage.buckets (id, name) values ('avatars', 'avatars');"
            "create policy p on storage.objects using (bucket_id = 'avatars' and (storage.foldername(name))[1] ="
            " auth.uid()::text or bucket_id = 'docs' and (storage.foldername(name))[1] = 'public')",
        )
        assert {"avatars", "docs"} <= set(found.column("storage.objects", "bucket_id"))
        folders = {(one or "").split("/")[0] for one in found.column("storage.objects", "name")}
        assert {A.user, "public"} <= folders

    def test_settings_are_identities_on_plain_postgres(self, database: str) -> None:
        tenants = tuple(
            Principal(name, f"{letter * 8}-0000-4000-8000-000000000000", settings={"app.tenant": number})
            for name, letter, number in (("A", "a", "41"), ("B", "b", "42"))
        )
        found = sow(
            database,
            "create table tenant (id int primary key); create table item (id serial primary key,"
            " tenant int not null references tenant, other int default current_setting('app.tenant')::int);"
            "alter table item enable row level security;"
            "create policy p on item using (tenant = current_setting('app.tenant')::int)",
            principals=tenants,
        )
        assert found.column("public.item", "tenant") == ["41"] * len(found.rows("public.item"))
        assert set(found.column("public.item", "other", "B")) == {"42"}


class TestSafety:
    def test_what_loops_and_what_is_locked_costs_its_own_rows_only(self, database: str) -> None:
        with psycopg.connect(database, autocommit=True) as admin:
            admin.execute(
                "create table before (a int); create table loops (a int); create table held (a int);"
                "create table later (a int);"
                "create function loop() returns trigger language plpgsql as $$ begin loop end loop; end $$;"
                "create trigger t before insert on loops for each row execute function loop();"
            )
        with psycopg.connect(database) as owner, connect(database, statement_timeout_ms=3_000) as session:
            owner.execute("lock table held in access exclusive mode")
            before = session.round_trips
            found = put_in(session, throwaway=False, principals=PRINCIPALS)
            spent = session.round_trips - before
        # One by one they would be thirty.
        assert spent < 20
        assert found.missing == {
            "public.loops": "a statement ran into the time limit (57014)",
            "public.held": "canceling statement due to lock timeout (55P03)",
        }
        assert found.rows("public.before")
        assert found.rows("public.later")

    def test_round_trips_do_not_grow_with_the_number_of_tables(self, database: str) -> None:
        tables = "".join(f"create table t{n} (id int primary key, a text check (a <> 'x'));" for n in range(60))
        few = sow(database, tables[: tables.index("create table t10 ")])
        many = sow(database, tables[tables.index("create table t10 ") :])
        assert len(many.sown.seeds.rows) > 5 * len(few.sown.seeds.rows)
        # But for what fills more than one batch.
        assert many.round_trips <= few.round_trips + len(many.sown.seeds.rows) // 200

    def test_one_of_everything(self, server: Server) -> None:
        name = "everything"
        url = server.create_database(name)
        try:
            found = sow(url, (Path(__file__).parent / "everything.sql").read_text("utf-8"))
        finally:
            server.drop_database(name)
            with psycopg.connect(server.dsn("postgres")) as admin:
                admin.execute('drop role cat_owner, cat_member, cat_nobody, "cat ""odd"""')
        assert found.missing == {"app.far": FOREIGN, "app.near": FOREIGN}

    def test_names_that_are_hostile(self, database: str) -> None:
        found = sow(
            database,
            'create schema "a\'b"; create table "a\'b"."c""d$o$" ("e\'f" int check ("e\'f" > 3), "g%" text unique,'
            ' "\\h" text default \'$i$\', "select" text not null check ("select" <> E\'\\\\\\\'\'))',
        )
        assert found.missing == {}

    def test_a_failed_row_spoils_no_other(self, database: str) -> None:
        found = sow(
            database,
            "create table t (a text check (a in ('x', 'y')), b int generated always as (1 / (case"
            " when a = 'y' then 0 else 1 end)) stored); create table u (a int)",
        )
        assert set(found.column("public.t", "a")) == {"x"}
        assert found.rows("public.u")

    def test_fresh_values_are_not_taken_and_can_be_put_in(self, database: str) -> None:
        with psycopg.connect(database, autocommit=True) as admin:
            admin.execute(
                "create table org (id uuid primary key); create table t (id serial primary key,"
                " org uuid not null references org, email text unique not null, status text default 'new')"
            )
        with connect(database) as session:
            with session.read_only():
                catalog = Catalog(take(session))
            with session.rolled_back():
                sown = seed(session, catalog, catalog.snapshot.relations, PRINCIPALS, Said())
                table = catalog.relations_by_name["public", "t"].oid
                values = sown.fresh(table, A)
                more = sown.fresh(table, A, {"status": "old"})
                assert values is not None
                assert more is not None
                assert values["id"] != more["id"]
                assert more["status"] == "old"
                for one in (values, more):
                    names = ", ".join(f'"{name}"' for name in one)
                    places = ", ".join(["%s"] * len(one))
                    session.execute(
                        f"insert into t ({names}) values ({places})".replace("into t", "into public.t"), [*one.values()]
                    )
