"""What deciding policies costs: `python benchmarks/policies.py [tables ...] [--each]`, by default 100 1000 5000.

Each table has four policies, one a command, of five shapes that projects have.

- `shapes` is what a large schema is like. Every shape is written in eight ways, with names, members and helpers of
  their own; the tables of one way differ in what else they hold: 3 to 9 more columns, and a CHECK, a key that points at
  another table or a trigger, in one of three each. In the 58 public projects that we look at, 875 tables with policies
  have 2,493 expressions of which 582 are different, and the more tables, the fewer for each; a table has 11 columns,
  one of three is pointed at, has a CHECK, has a trigger. These 5,000 tables have 40 times 4 expressions.
- `alike` are tables that differ in nothing but their names.
- `different` is the worst that can be, and what nobody has: every table names its columns, literals, members and
  helpers in its own way, so that little of what is decided for one serves another.

What is measured is everything beyond the snapshot, without probes, each time in a process of its own; what of it are
rules and the report stands by itself. `--each` measures every shape by itself as well.

5,000 tables of `shapes` must take at most 10 s of two cores, under 400 MB. Seconds differ between machines; the ratios
are to taking the same snapshot in the same run, and to what a table takes in the line with the fewest.
"""

from __future__ import annotations

import argparse
import enum
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import psycopg
from tabulate import tabulate

from rlsaudit import audit
from rlsaudit.audit import Options, examine
from rlsaudit.catalog import dump, load, take
from rlsaudit.connect import connect
from rlsaudit.engine import Server, start
from rlsaudit.rules import judge

if TYPE_CHECKING:
    from rlsaudit.model import Finding
    from rlsaudit.rules import Case

SIZES = (100, 1_000, 5_000)
EACH = 1_000
OWNER = "postgres"
MOST_SECONDS, MOST_MEGABYTES = 10, 400
# Locks are kept to the end of a transaction and there is no room for those of 5,000 tables in one.
BATCH = 200
GROUP = 10
"""So many different tables share members and a helper."""

SHAPES = {
    "own": ("(select auth.uid()) = {owner}",) * 4,
    "member": (
        "exists (select 1 from public.members{m} m where m.org_id = {table}.{org} and m.user_id = (select auth.uid()))",
        *("{org} in (select m.org_id from public.members{m} m where m.user_id = auth.uid() and m.role = 'owner')",) * 3,
    ),
    "helper": ("public.is_member{m}({org})", *("public.has_role{m}({org}, '{said}')",) * 3),
    "public": ("stage = '{said}' or {owner} = auth.uid()", *("{owner} = auth.uid() and stage <> 'closed'",) * 3),
    "admin": ("stage = '{said}' or public.is_admin()", *("public.is_admin()",) * 3),
}
"""The conditions of SELECT, INSERT, UPDATE and DELETE."""

WAYS = (
    ("user_id", "org_id", "published"),
    ("owner_id", "team_id", "live"),
    ("created_by", "workspace_id", "public"),
    ("author_id", "company_id", "final"),
    ("profile_id", "tenant_id", "open"),
    ("member_id", "project_id", "active"),
    ("account_id", "account_group", "ready"),
    ("uid", "club_id", "visible"),
)
"""How a shape is written: the columns of the owner and the organisation, and what a stage is compared with."""

MORE = (
    ("title", "text not null"), ("notes", "text"), ("amount", "numeric"), ("due_on", "date"), ("position", "integer"),
    ("tags", "text[]"), ("settings", "jsonb not null default '{}'"), ("created_at", "timestamptz default now()"),
    ("rating", "smallint"), ("colour", "text default 'grey'"), ("is_open", "boolean not null default true"),
    ("url", "text"), ("quantity", "bigint"), ("description", "text"), ("updated_at", "timestamptz"),
)  # fmt: skip
"""What else tables hold."""

BASICS = """
create table public.profiles (id uuid primary key, role text not null default 'user');
alter table public.profiles enable row level security;
create policy own on public.profiles for select using (id = auth.uid());
create function public.is_admin() returns boolean language sql stable security definer set search_path = '' as
'select exists (select 1 from public.profiles where id = auth.uid() and role = ''admin'')';
create function public.touch() returns trigger language plpgsql as
'begin new.updated_at := now(); return new; end';
"""
MEMBERS = """
create table public.members{m} (org_id uuid not null, user_id uuid not null, role text not null default 'member'
  check (role in ('owner', 'admin', 'member')), primary key (org_id, user_id));
alter table public.members{m} enable row level security;
create policy own on public.members{m} for select using (user_id = auth.uid());
create function public.is_member{m}(org uuid) returns boolean language sql stable security definer set search_path = ''
as 'select exists (select 1 from public.members{m} m where m.org_id = org and m.user_id = auth.uid())';
create function public.has_role{m}(org uuid, wanted text) returns boolean language plpgsql stable security definer
set search_path = '' as $$
begin
  return exists (select 1 from public.members{m} m where m.org_id = org and m.user_id = auth.uid() and m.role = wanted);
end $$;
"""
TABLE = """
create table public.{table}
  (id uuid primary key, {owner} uuid, {org} uuid not null, stage text not null default 'draft', {more});
alter table public.{table} enable row level security;
create policy r on public.{table} for select using ({0});
create policy i on public.{table} for insert to authenticated with check ({1});
create policy u on public.{table} for update to authenticated using ({2}) with check ({2});
create policy d on public.{table} for delete to authenticated using ({3});
{also}
"""


class Kind(enum.Enum):
    """What tables have in common."""

    SHAPES = "shapes"
    ALIKE = "alike"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class Cost:
    """What one database cost: seconds of the clock and of the processors, and megabytes with those held before.

    `rules` are the seconds of the clock that were left to rules and the report, once all was decided.
    """

    what: str
    tables: int
    snapshot: float
    seconds: float
    rules: float
    processors: float
    before: float
    peak: float
    undecided: float


def fill(server: Server, name: str, tables: int, shapes: tuple[str, ...], kind: Kind) -> str:
    """Makes a database of so many tables, and returns its conninfo."""
    dsn = server.supabase_database(name)
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute(f"set role {OWNER}; {BASICS}".encode())
        made: set[str] = set()
        for first in range(0, tables, BATCH):
            statements = []
            for number in range(first, min(first + BATCH, tables)):
                names = _names(number, len(shapes), kind)
                if names["m"] not in made:
                    made.add(names["m"])
                    statements.append(MEMBERS.format(**names))
                conditions = [one.format(**names) for one in SHAPES[shapes[number % len(shapes)]]]
                statements.append(TABLE.format(*conditions, **names))
            admin.execute("".join(statements).encode())
    return server.dsn(name, user=OWNER)


def _names(number: int, shapes: int, kind: Kind) -> dict[str, str]:
    """How a table calls what it and its policies are made of."""
    group = number // shapes
    names = {"table": f"table_{number}", "m": "", "owner": "user_id", "org": "org_id", "said": "published", "also": ""}
    match kind:
        case Kind.ALIKE:
            return names | {"more": "at date"}
        case Kind.DIFFERENT:
            own = {"owner": f"user_{number}", "org": f"org_{number}", "said": f"s{number}"}
            return names | {"m": f"_{group // GROUP}", "more": "at date"} | own
    owner, org, said = WAYS[group % len(WAYS)]
    held = [MORE[(number * 7 + one * 4) % len(MORE)] for one in range(3 + number % 7)]
    columns = [f"{name} {declared}" for name, declared in dict(held).items()]
    columns.append(f"weight_{number} integer" + (f" check (weight_{number} > 0)" if number % 3 == 1 else ""))
    if number % 3 == 0 and "updated_at" not in dict(held):
        columns.append("updated_at timestamptz")
    before = number - shapes * len(WAYS)
    if number % 3 == 2 and before >= 0:  # noqa: PLR2004 — one of three
        columns.append(f"parent_id uuid references public.table_{before}")
    table = names["table"]
    touched = f"create trigger touched before update on public.{table} for each row execute function public.touch();"
    used = {"m": f"_{group % len(WAYS)}", "owner": owner, "org": org, "said": said}
    return names | {"more": ", ".join(columns), "also": touched if number % 3 == 0 else ""} | used


def save(dsn: str, path: Path) -> None:
    """Takes a snapshot, saves it, and prints the seconds that taking it took."""
    with connect(dsn, statement_timeout_ms=600_000) as session, session.read_only():
        began = time.perf_counter()
        snapshot = take(session)
        print(json.dumps(time.perf_counter() - began))
    path.write_bytes(dump(snapshot))


def decide(path: Path) -> None:
    """Decides what a saved snapshot says, in this process, and prints what that took."""
    snapshot = load(path)
    before = _megabytes()
    began, used = time.perf_counter(), _processors()
    decided = began

    def judged(case: Case) -> tuple[Finding, ...]:
        nonlocal decided
        decided = time.perf_counter()
        return judge(case)

    with patch.object(audit, "judge", judged):
        report = examine(snapshot, Options(probe="none")).report
    took, worked = time.perf_counter() - began, _processors() - used
    rules = began + took - decided
    undecided = report.summary.unknown / report.summary.cells
    print(json.dumps([took, rules, worked, before, _megabytes(), undecided]))


def measure(server: Server, what: str, tables: int, shapes: tuple[str, ...], runs: int, kind: Kind) -> Cost:
    """Fills a database and decides it some times, each in a process of its own: medians, and the highest peak."""
    print(f"filling {tables} tables, {what}", file=sys.stderr)
    name = f"bench_{what}_{tables}"
    dsn = fill(server, name, tables, shapes, kind)
    with tempfile.TemporaryDirectory() as directory:
        path = str(Path(directory, "facts.json"))
        taken = _in_a_process("--save", dsn, path)
        answers = [_in_a_process("--decide", path) for _ in range(runs)]
    server.drop_database(name)
    seconds, rules, processors, before, peaks, undecided = zip(*answers, strict=True)
    return Cost(
        what,
        tables,
        taken,
        statistics.median(seconds),
        statistics.median(rules),
        statistics.median(processors),
        max(before),
        max(peaks),
        undecided[0],
    )


def _in_a_process(*arguments: str) -> Any:  # noqa: ANN401 — JSON
    """Runs this file: a process reports the peak of the one that started it, where that is higher."""
    command = (sys.executable, __file__, *arguments)
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)  # noqa: S603 — our own file


def _processors() -> float:
    """The seconds that processors worked for this process and those that it started and that have ended."""
    return sum(one.ru_utime + one.ru_stime for one in _usages())


def _megabytes() -> float:
    """The most memory that was in use at a time: by this process, and by the largest that it started beside it."""
    return sum(one.ru_maxrss for one in _usages()) / (1e6 if sys.platform == "darwin" else 1e3)


def _usages() -> tuple[resource.struct_rusage, ...]:
    return tuple(resource.getrusage(one) for one in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def show(costs: list[Cost]) -> None:
    """Prints a line for each database."""
    least: dict[str, Cost] = {}
    rows = []
    for one in costs:
        first = least.setdefault(one.what, one)
        growth = (one.seconds / one.tables) / (first.seconds / first.tables)
        rows.append(
            (
                one.what,
                one.tables,
                one.snapshot,
                one.seconds,
                one.rules,
                one.processors,
                one.seconds / one.snapshot,
                growth,
                one.before,
                one.peak,
                f"{one.undecided:.0%}",
            )
        )
    headers = (
        "database", "tables", "snapshot s", "all s", "of it rules s", "cpu s", "/ snapshot", "/ least", "MB before",
        "peak MB", "unknown",
    )  # fmt: skip
    print(tabulate(rows, headers, floatfmt=".3g"))


def main() -> None:
    """Prints what was measured, and fails where the largest databases take more than they may."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="*", type=int, default=SIZES)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--each", action="store_true", help=f"every shape by itself as well, {EACH} tables of it")
    parser.add_argument("--save", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--decide", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.save:
        save(options.save[0], Path(options.save[1]))
        return
    if options.decide:
        decide(options.decide)
        return
    costs = []
    with start() as server:
        every = tuple(SHAPES)
        for kind in Kind:
            costs += [measure(server, kind.value, one, every, options.runs, kind) for one in options.tables]
        if options.each:
            costs += [measure(server, shape, EACH, (shape,), 1, Kind.DIFFERENT) for shape in SHAPES]
    show(costs)
    beyond = [
        one
        for one in costs
        if one.what == Kind.SHAPES.value
        and one.tables >= max(SIZES)
        and (one.seconds > MOST_SECONDS or one.peak > MOST_MEGABYTES)
    ]
    print(
        f"allowed: {MOST_SECONDS} s and {MOST_MEGABYTES} MB for {max(SIZES)} tables; too much for"
        f" {', '.join(one.what for one in beyond) or 'none'};"
        f" load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"
    )
    sys.exit(bool(beyond))


if __name__ == "__main__":
    main()
