"""What a fix may not do besides, and what it may: triggers, tables out of sight, single columns, what is declared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benches import fixed_by, plain, supabase

from rlsaudit.fix import Outcome, mended

if TYPE_CHECKING:
    from pathlib import Path

    from rlsaudit.engine import Server
    from rlsaudit.fix import Tried
    from rlsaudit.source import Standing

NOTES = """
    create table public.notes (id bigint primary key, user_id uuid not null, body text, phone text);
    alter table public.notes enable row level security;
    create policy open on public.notes for delete to authenticated using (true);
"""
OWN = "alter policy open on public.notes using ((select auth.uid()) = user_id);"
NOTED = """
    create function public.noted() returns trigger language plpgsql as 'begin return old; end';
    create trigger noted after delete on public.notes for each row execute function public.noted();
"""


def _tried(standing: Standing, rule: str, fix: str) -> Tried:
    (one,) = mended(fixed_by(standing, rule, fix), wanted=lambda finding: finding.rule == rule).tried
    return one


def test_a_trigger_runs_on(server: Server) -> None:
    with supabase(server, NOTES + NOTED) as standing:
        assert _tried(standing, "tautology", OWN).outcome is Outcome.VERIFIED
        for stops in ("alter table public.notes disable trigger noted;", "drop trigger noted on public.notes;"):
            one = _tried(standing, "tautology", f"{OWN} {stops}")
            assert one.because == (
                'trigger "noted" of public.notes would not run any more, and what it does be left undone',
            )


def test_a_table_out_of_sight_is_not_shut(server: Server) -> None:
    shelf = """
        create schema shelf;
        create table shelf.jobs (id bigint primary key);
        grant usage on schema shelf to authenticated;
        grant select on shelf.jobs to authenticated;
    """
    with supabase(server, NOTES + shelf) as standing:
        rls = "alter table shelf.jobs enable row level security;"
        one = _tried(standing, "tautology", f"{OWN} {rls}")
        assert one.because == ("authenticated could no longer reach rows of shelf.jobs: no policy lets anybody in",)
        read = "create policy read on shelf.jobs for select to authenticated using (true);"
        assert _tried(standing, "tautology", f"{OWN} {rls} {read}").outcome is Outcome.VERIFIED


def test_columns_that_were_granted_one_by_one_are_those_that_are_meant(server: Server) -> None:
    update = 'create policy "edit" on public.notes for update to authenticated using ((select auth.uid()) = user_id);'
    single = "grant update (body) on public.notes to authenticated;"
    fix = "revoke update on public.notes from authenticated; grant update ({}) on public.notes to authenticated;"
    rule = "column-revoke-void"
    with supabase(server, NOTES + update + single) as standing:
        assert _tried(standing, rule, fix.format("body")).outcome is Outcome.VERIFIED
        # Beside it the finding stays, but body is what was granted.
        lost = _tried(standing, rule, fix.format("phone"))
        assert lost.because == ("authenticated could no longer change body of public.notes",)


def test_what_is_declared_as_not_meant_is_shut(server: Server, tmp_path: Path) -> None:
    opened = NOTES.replace("for delete to authenticated", "for select").replace("phone", "tag")
    rule = "tautology"
    with supabase(server, opened) as standing:
        because = _tried(standing, rule, OWN).because
        assert [one[:16] for one in because] == ["it may be meant:"]
    intent = tmp_path / "rlsaudit.toml"
    intent.write_text(
        '[[allow]]\nrelation = "public.notes"\npersona = "anon"\nselect = "none"\n'
        '[[allow]]\nrelation = "public.notes"\npersona = "authenticated"\nselect = "own"\n'
    )
    with supabase(server, opened, intent=intent) as standing:
        one = _tried(standing, rule, OWN)
    assert one.outcome is Outcome.VERIFIED, one.because


def test_a_fault_that_is_left_as_a_fact_is_mended(server: Server) -> None:
    schema = """
        create function public.note_change() returns event_trigger language plpgsql as 'begin end';
        alter function public.note_change() owner to shop_app;
        create event trigger note_change on ddl_command_end execute function public.note_change();
    """
    with plain(server, schema, ("shop_app",)) as standing:
        (one,) = mended(standing).tried
    assert one.outcome is Outcome.VERIFIED, one.because
    assert "owner to" in one.finding.fix.sql


def test_an_extension_is_moved_as_supabase_does_it(server: Server) -> None:
    schema = """
        create extension citext with schema public;
        create function public.spaced(one text) returns text language sql stable
          as $$ select public.replace(one::public.citext, '_', ' ') $$;
    """
    with supabase(server, schema) as standing:
        (one,) = mended(standing, wanted=lambda finding: finding.rule == "extension-in-public").tried
    assert one.outcome is Outcome.VERIFIED, one.because
    told, move = one.finding.fix.sql.splitlines()
    assert told == "-- By its old schema it is named in public.spaced(text): write that anew."
    assert move == "alter extension citext set schema extensions;"
