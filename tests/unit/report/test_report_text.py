from __future__ import annotations

import re
from dataclasses import replace

import pytest
import report_samples as samples
from rich.cells import cell_len

from rlsaudit.model import (
    Evidence,
    EvidenceKind,
    Fix,
    Location,
    ObjectRef,
    Operation,
    Persona,
    Reach,
    Report,
    Severity,
    Skipped,
)
from rlsaudit.report import render

SGR = re.compile(r"\x1b\[[0-9;]*m")


def text(report: Report, *, width: int = 80, colour: bool = False) -> str:
    return render(report, "text", width=width, colour=colour)


def section(report: Report, heading: str, *, width: int = 80) -> str:
    """Take what is written below a heading, up to the next."""
    _, found, below = text(report, width=width).partition(f"\n{heading}")
    assert found, f"no section {heading}"
    return re.split(r"\n(?=[A-Z]{2}[A-Z ]+(?:\n|:))", below)[0]


def squeezed(words: str) -> str:
    """Undo the wrapping."""
    return " ".join(words.split())


def test_the_verdict_comes_first_and_once_more_at_the_end() -> None:
    lines = text(samples.flawed()).splitlines()
    verdict = "Access goes beyond intent: 3 findings (1 critical, 1 high, 1 info)."
    about = "rlsaudit 0.1.0: app, Supabase on Postgres 15.20, as anon and authenticated"
    assert lines[:4] == [about, "", verdict, "Beyond intent: 4 of 32 verdicts."]
    assert verdict in lines[-5:]


def test_the_first_screen_says_what_to_do_first() -> None:
    screen = text(samples.flawed(), width=100).splitlines()[:24]
    beginning = screen.index("DO FIRST") + 2
    assert screen[beginning : beginning + 6] == [
        "  1  critical  A view shows everybody's notes to anon",
        "               anon can read any row; intended: none",
        "               alter view public.notes_view set (security_invoker = on);",
        "  2  high      Anybody who signs up can join any organisation",
        "               authenticated can insert rows in anybody's name; intended: own rows",
        "               the fix, 3 lines of SQL, is below",
    ]
    assert "RLS is on" not in "\n".join(screen)


def test_what_the_least_privileged_can_do_is_mended_first() -> None:
    findings = (
        samples.finding(Severity.CRITICAL, "a-rule", title="signed in", persona="authenticated"),
        samples.finding(Severity.CRITICAL, "b-rule", title="some rows", reach=Reach.SOME),
        samples.finding(Severity.CRITICAL, "c-rule", title="all rows"),
        samples.finding(Severity.HIGH, "d-rule", title="high"),
    )
    first = section(samples.report(findings=findings), "DO FIRST")
    assert re.findall(r"^  \d  critical  (.*)$", first, re.MULTILINE) == ["all rows", "some rows", "signed in"]


def test_a_finding_of_little_weight_is_nothing_to_begin_with() -> None:
    assert "DO FIRST" not in text(samples.report(findings=(samples.finding(Severity.LOW),)))
    assert "DO FIRST" in text(samples.report(findings=(samples.finding(fix=Fix("")),)))


def test_a_correct_project_gets_a_short_answer() -> None:
    printed = text(samples.correct())
    assert "No access beyond intent: 8 verdicts, none missing, nothing skipped." in printed
    assert "FINDINGS" not in printed
    assert "!" not in printed
    assert len(printed.splitlines()) < 30


def test_the_report_says_what_was_audited_and_as_whom() -> None:
    printed = section(samples.flawed(), "WHAT WAS AUDITED")
    assert "  database  app, Supabase on Postgres 15.20\n" in printed
    assert "  schemas   public, storage\n" in printed
    assert "  probe     read\n" in printed
    assert "  note      auth.users was empty: two users were made up and rolled back\n" in printed
    assert re.search(r"^  anon +anon +nobody is signed in$", printed, re.MULTILINE)


def test_settings_of_a_persona_are_shown() -> None:
    persona = Persona("gym", "gym_app", {}, {"app.tenant_id": "7"}, "a tenant")
    assert "gym      gym_app  a tenant; app.tenant_id = 7" in text(samples.report(personas=(persona,)))


def test_what_is_missing_is_said_before_anything_else_with_the_reason() -> None:
    top = squeezed(text(samples.flawed()).partition("DO FIRST")[0])
    assert "4 of 32 verdicts are missing and 2 things were skipped" in top
    assert f"4 {samples.WHY}" in top


def test_a_report_in_which_all_is_unknown_is_no_comfort() -> None:
    reasons = [f"reason {number}" for number in range(12) for _ in range(number + 1)]
    cells = tuple(
        samples.cell(relation=f"public.t{number}", reach=Reach.UNKNOWN, because=reason)
        for number, reason in enumerate(reasons)
    )
    report = samples.report(matrix=cells)
    printed = text(report)
    assert "No access beyond intent" not in printed
    assert "78 of 78 verdicts are missing" in printed
    assert "and 10 more reasons, below" in printed
    below = section(report, "NOT DECIDED: 78 of 78 verdicts")
    assert below.index("12  reason 11") < below.index("11  reason 10")
    assert "public.t66: anon select" in below
    assert "… and 9 more like these (use --format json)" in below
    assert "… and 2 more reasons (use --format json)" in below


def test_an_empty_report_says_that_nothing_was_compared() -> None:
    printed = text(samples.report(personas=()))
    assert "No verdict: no relation is exposed to any persona" in printed
    assert "  personas  none" in printed


def test_a_finding_says_who_can_do_what_how_that_is_known_and_what_mends_it() -> None:
    printed = section(samples.flawed(), "FINDINGS")
    assert "\nCRITICAL  A view shows everybody's notes to anon\n" in printed
    assert "  rule      definer-view, fingerprint 3f9a0c51d2e87b64\n" in printed
    assert "  object    view public.notes_view\n" in printed
    assert "  who       anon can read any row; intended: none\n" in printed
    assert "  rows of   public.notes\n" in printed
    assert "  evidence  probe: executed as that role\n" in printed
    assert "  answer    3 of 3 rows\n" in printed
    assert "  fix       verified: applied to a copy, and the finding was gone\n" in printed
    assert "  fix       draft: not verified, read it before you run it\n" in printed
    assert "  fix       none that SQL could express\n" in printed
    assert "  opened in supabase/migrations/20240105120000_organisations.sql:41\n" in printed


def test_what_is_written_down_is_no_access() -> None:
    dead = samples.finding(
        about=ObjectRef("intent", "suppress rls-off of public.t"), persona="public", operation="all", reach=Reach.NONE
    )
    printed = section(samples.report(findings=(dead,)), "FINDINGS")
    assert "  who       nobody gains by it: it is about what is written down\n" in printed


def test_findings_come_worst_first_with_a_list_at_the_top() -> None:
    printed = section(samples.many(), "FINDINGS")
    glance, *_ = printed.partition("\nCRITICAL")
    assert [line.split()[:2] for line in glance.split("\n")[2:4]] == [["severity", "rule"], ["critical", "rule-0"]]
    assert printed.index("\nCRITICAL  ") < printed.index("\nHIGH  ") < printed.index("\nINFO  ")


def test_a_short_list_is_not_told_twice() -> None:
    assert "severity" not in section(samples.flawed(), "FINDINGS")


@pytest.mark.parametrize("width", [40, 80, 120])
def test_sql_is_neither_wrapped_nor_cut(width: int) -> None:
    printed = text(samples.flawed(), width=width)
    assert f"\n    {samples.CLAIMS};\n" in printed
    first, second = samples.JOIN.split("\n")
    assert f"\n    {first}\n    {second};\n" in printed


@pytest.mark.parametrize("width", [1, 40, 80, 120, 300])
@pytest.mark.parametrize("sample", [samples.correct, samples.flawed, samples.many, samples.hostile, samples.report])
def test_everything_but_sql_fits_the_terminal(sample: samples.Sample, width: int) -> None:
    report = sample()
    bare = tuple(replace(each, evidence=Evidence(EvidenceKind.PROOF), fix=Fix("")) for each in report.findings)
    printed = text(replace(report, findings=bare), width=width)
    assert max(map(cell_len, printed.splitlines())) <= max(width, 40)
    assert not [line for line in printed.splitlines() if line != line.rstrip()]


def test_wide_letters_keep_the_columns_straight() -> None:
    names = ("public.表表表表", "public.é", "public.e\u0301e\u0301", "public.notes")
    cells = tuple(each for name in names for each in samples.row("anon", name, (Reach.ALL, *(Reach.NONE,) * 3)))
    lines = section(samples.report(matrix=cells), "WHO REACHES WHAT").split("as anon\n")[1].splitlines()[:5]
    header, *rows = lines
    column = header.index("select")
    assert {cell_len(line.split("all !")[0]) for line in rows} == {column}


def test_long_names_go_on_below_and_lose_nothing() -> None:
    name = f'public."{"long_" * 24}name"'
    report = samples.report(
        matrix=samples.row("anon", name, (Reach.ALL,) * 4), findings=(samples.finding(about=ObjectRef("table", name)),)
    )
    for width in (40, 80):
        printed = section(report, "WHO REACHES WHAT", width=width).split("as anon\n")[1]
        first_column = "".join(line[:48].split("all !")[0].strip() for line in printed.splitlines()[1:])
        assert name in first_column
        assert name in "".join(text(report, width=width).split())


def test_the_matrix_shows_reach_and_marks_what_goes_beyond_intent_without_colour() -> None:
    printed = section(samples.flawed(), "WHO REACHES WHAT")
    assert re.search(r"^  public.notes +all ! +own +own +own$", printed, re.MULTILINE)
    assert re.search(r"^  public.org_members +own>all ! +all ! +own\* +none$", printed, re.MULTILINE)
    assert re.search(r"^  public.billing +none +unknown +none +none$", printed, re.MULTILINE)
    assert "none in any operation: 1 other relation (1 in public)" in printed
    assert "! beyond intent · none no row" in squeezed(printed)


def test_relations_that_nobody_reaches_are_summarised_by_schema() -> None:
    names = ["storage.a", "storage.b", *(f"s{number}.x" for number in range(5)), '"odd.schema".x', "bare"]
    cells = tuple(each for name in names for each in samples.row("anon", name, (Reach.NONE,) * 4))
    printed = squeezed(section(samples.report(matrix=cells), "WHO REACHES WHAT"))
    assert "none in any operation: 9 relations (2 in storage, 1 in " in printed
    assert ", the rest in 4 more schemas)" in printed


def test_a_reason_is_told_by_what_it_hangs_on() -> None:
    whole = 'policy "{}": a = b and public.is_member(x): not decided: public.is_member(x); read 2 of 4 rows'
    cells = [
        samples.cell(persona, relation, operation, Reach.UNKNOWN, because=whole.format(relation))
        for persona in ("anon", "authenticated")
        for relation in ("public.a", "public.b")
        for operation in (Operation.SELECT, Operation.UPDATE)
    ]
    printed = section(samples.report(matrix=tuple(cells)), "NOT DECIDED: 8 of 8 verdicts")
    assert printed.strip("\n").split("\n") == [
        "     8  not decided: public.is_member(x)",
        "          public.a: anon and authenticated select, update",
        "          public.b: anon and authenticated select, update",
    ]


def test_a_relations_name_stays_whole_where_there_is_room() -> None:
    name = "public.customer_billing_addresses_2024"
    cells = samples.row("anon", name, (Reach.UNKNOWN, Reach.ALL, Reach.ALL, Reach.ALL))
    for width in (80, 100):
        assert re.search(rf"^  {re.escape(name)} ", text(samples.report(matrix=cells), width=width), re.MULTILINE)


def test_a_name_that_is_too_long_is_broken_where_its_parts_meet() -> None:
    cells = samples.row("anon", f"public.{'customer_' * 8}x", (Reach.ALL,) * 4)
    printed = section(samples.report(matrix=cells), "WHO REACHES WHAT", width=80).split("as anon\n")[1]
    assert [line.split()[0][-1] for line in printed.strip("\n").split("\n")[1:-1]] == ["_"]


def test_what_goes_beyond_intent_heads_the_matrix_and_survives_its_cut() -> None:
    last = samples.row("anon", "public.zzz", (Reach.ALL,) * 4)
    doubtful = samples.row("anon", "public.zz", (Reach.UNKNOWN,) * 4)
    printed = section(replace(samples.many(), matrix=(*samples.many().matrix, *last, *doubtful)), "WHO REACHES WHAT")
    rows = printed.split("as anon\n")[1].splitlines()[1:]
    assert rows[0].split() == ["public.zzz", *["all", "!"] * 4]
    assert "public.table_000" in rows[1]
    assert "… and 92 more relations that it reaches (use --format json)" in printed


def test_personas_who_reach_the_same_share_a_table() -> None:
    assert "as anon and authenticated\n" in section(samples.many(), "WHO REACHES WHAT")


def test_a_verdict_that_is_not_there_is_unknown() -> None:
    report = samples.report(matrix=(samples.cell(operation=Operation.SELECT),))
    assert re.search(r"public.notes +none +unknown +unknown +unknown$", text(report), re.MULTILINE)


def test_there_is_room_for_kinds_in_a_wide_terminal() -> None:
    cells = samples.row("anon", "public.v", (Reach.ALL,) * 4)
    report = samples.report(matrix=tuple(replace(each, kind="materialized_view") for each in cells))
    assert re.search(r"^  relation +kind +select", text(report, width=120), re.MULTILINE)
    assert "public.v  materialized view  all !" in text(report, width=120)
    assert "materialized" not in text(report, width=80)


def test_long_lists_are_cut_and_say_so_but_nothing_grave_is() -> None:
    printed = text(samples.many())
    for severity in ("CRITICAL", "HIGH"):
        assert len(re.findall(rf"^{severity}  ", printed, re.MULTILINE)) == 40
    assert len(re.findall(r"^INFO  ", printed, re.MULTILINE)) == 10
    assert "… and 30 more info findings (use --format json)" in printed
    assert "… and 180 more\n" in printed
    assert "… and 47 more like these (use --format json)" in section(samples.many(), "SKIPPED: 50 things")


def test_suppressed_findings_are_counted_and_named() -> None:
    printed = text(samples.flawed())
    assert "Suppressed and not counted: 1 finding (1 medium)." in printed
    assert "medium    public-read  public.notes_view" in section(samples.flawed(), "SUPPRESSED: 1 finding")


def test_reasons_of_suppressions_are_told() -> None:
    report = samples.report(suppressed=samples.SUPPRESSED)
    assert "1 finding until 2027-03-31: the old app reads it" in section(report, "SUPPRESSED: 1 finding")


def test_skipped_things_are_listed_with_their_reasons() -> None:
    report = samples.report(skipped=(Skipped("schema cron", "no USAGE"), Skipped("schema net", "no USAGE")))
    assert section(report, "SKIPPED: 2 things").splitlines()[2:5] == [
        "     2  no USAGE",
        "          schema cron",
        "          schema net",
    ]


def test_hostile_names_forge_no_line() -> None:
    for line in text(samples.hostile()).splitlines():
        assert not line.startswith(("all clear", "No access"))


def test_a_padded_name_cannot_begin_a_line_in_the_first_column() -> None:
    padded = 'public."x' + " " * 90 + 'CRITICAL  forged"'
    harmless = replace(samples.hostile(), findings=())
    report = replace(
        harmless,
        personas=(Persona(padded, padded, {}, {}, padded),),
        matrix=(samples.cell(padded, padded, reach=Reach.UNKNOWN, because=padded),),
        findings=(
            samples.finding(
                Severity.INFO,
                title=padded,
                message=padded,
                about=ObjectRef("table", padded),
                persona=padded,
                relations=(padded, "a"),
                location=Location(padded, 1),
            ),
        ),
        skipped=(Skipped(padded, padded),),
    )
    for line in text(report).splitlines():
        assert not line.startswith("CRITICAL")
    assert [line for line in text(report).splitlines() if "CRITICAL  forged" in line]


def test_sql_that_holds_an_escaped_name_says_that_it_does_not_run() -> None:
    assert squeezed(text(samples.hostile())).count("these lines do not run as they stand") == 2
    assert "these lines do not run" not in squeezed(text(samples.flawed()))


def test_rich_markup_in_data_is_data() -> None:
    report = samples.report(findings=(samples.finding(title="[bold red]x[/] :warning: [link=https://a.b]c[/link]"),))
    for colour in (False, True):
        assert "[bold red]x[/] :warning: [link=https://a.b]c[/link]" in SGR.sub("", text(report, colour=colour))


@pytest.mark.parametrize("sample", [samples.correct, samples.flawed, samples.many, samples.hostile, samples.report])
def test_colour_adds_colour_only(sample: samples.Sample) -> None:
    plain, coloured = text(sample()), text(sample(), colour=True)
    assert SGR.sub("", coloured) == plain
    assert coloured != plain


def test_the_environment_does_not_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, coloured = text(samples.flawed()), text(samples.flawed(), colour=True)
    for name, value in {"NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "20", "FORCE_COLOR": "1"}.items():
        monkeypatch.setenv(name, value)
    assert text(samples.flawed()) == plain
    assert text(samples.flawed(), colour=True) == coloured
