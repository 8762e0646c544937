"""realtime-messages: a policy on Realtime's messages that lets whoever it is for into every private channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rlsaudit.catalog.platform import Platform
from rlsaudit.catalog.settings import settings_read
from rlsaudit.model import Evidence, EvidenceKind, ObjectRef, Operation, Reach, Severity
from rlsaudit.names import ident, literal
from rlsaudit.rules.build import Who, finding
from rlsaudit.rules.opened import bounds, drop
from rlsaudit.rules.rule import Example, Found, Rule
from rlsaudit.rules.witnessed import witnessed
from rlsaudit.rules.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rlsaudit.catalog.facts import Policy, Relation
    from rlsaudit.model import Persona
    from rlsaudit.rules.case import Case

_MESSAGES = ("realtime", "messages")
_TOPIC = "topic"
_SETTING = "realtime.topic"
_DOES = {Operation.SELECT: "receive", Operation.INSERT: "send"}
"""What Realtime asks for when somebody joins a private channel: whether a row of its topic may be read, and put in."""


def check(case: Case) -> Iterator[Found]:
    """Yields policies that open private channels whatever their topics are."""
    relation = case.catalog.relations_by_name.get(_MESSAGES)
    if relation is None or case.platform is not Platform.SUPABASE or not relation.rls:
        return
    for policy in case.catalog.policies[relation.oid]:
        if not policy.permissive or _asks_for_topic(case, relation, policy):
            continue
        opened = [
            (persona, operation)
            for persona in case.personas
            for operation in _DOES
            if _opens(case, relation, policy, persona, operation)
        ]
        if opened:
            yield _found(case, relation, policy, opened)


def _opens(case: Case, relation: Relation, policy: Policy, persona: Persona, operation: Operation) -> bool:
    role = case.role(persona).oid
    applying = case.access.policies(role, relation, operation)
    if policy not in applying or not case.access.on_any_column(role, relation, operation.name):
        return False
    if any(not one.permissive and _asks_for_topic(case, relation, one) for one in applying):
        return False
    found = bounds(case, policy, persona, relation, operation)
    # A message is nobody's: what its content decides, as its extension does, it decides in every channel.
    return (
        found is not None
        and found.at_least >= Reach.SOME
        and case.intended(persona, relation, operation) < found.at_least
    )


def _asks_for_topic(case: Case, relation: Relation, policy: Policy) -> bool:
    """Whether a policy asks which channel it is, by the column or by the setting that Realtime makes."""
    number = next((one.number for one in case.catalog.columns[relation.oid] if one.name == _TOPIC), 0)
    if any(one.relation == relation.oid and one.column == number for one in policy.columns):
        return True
    called = (case.catalog.functions.get(oid) for oid in policy.functions)
    texts = (*filter(None, (policy.using, policy.check)), *(one.body for one in called if one is not None))
    return _SETTING in settings_read(texts)


def _found(case: Case, relation: Relation, policy: Policy, opened: list[tuple[Persona, Operation]]) -> Found:
    identity = case.catalog.identity(relation)
    first, operation = opened[0]
    personas = list(dict.fromkeys(one.name for one, _ in opened))
    verbs = list(dict.fromkeys(_DOES[one] for _, one in opened))
    operations = {one.value for _, one in opened}
    condition = policy.using if operation is Operation.SELECT else (policy.check or policy.using)
    query = (
        "select polname, pg_get_expr(polqual, polrelid) as using, pg_get_expr(polwithcheck, polrelid) as check"
        f" from pg_policy where polrelid = {literal(identity).strip()}::regclass"
    )
    anybody = any(one.name == "anon" for one, _ in opened)
    return Found(
        finding(
            RULE,
            ObjectRef("policy", f"{identity}.{ident(policy.name)}"),
            Who(
                first.name,
                operations.pop() if len(operations) == 1 else "all",
                Reach.ALL,
                case.intended(first, relation, operation),
            ),
            title="Every private channel of Realtime is open",
            message=(
                f"{listed(personas)} can {listed(verbs)} messages in every private channel: policy "
                f"{ident(policy.name)} ({condition}) does not ask for the channel's topic."
            ),
            evidence=witnessed(case, first, relation, operation, "true whatever the topic is")
            or Evidence(EvidenceKind.PROOF, (query,), "true whatever the topic is"),
            fix=drop(case, relation, policy),
            relations=[identity],
            severity=Severity.HIGH if anybody else Severity.MEDIUM,
        )
    )


RULE = Rule(
    id="realtime-messages",
    severity=Severity.HIGH,
    summary="A policy on realtime.messages lets whoever it is for into every private channel.",
    why=(
        "A private channel is as private as the policies on `realtime.messages`: when somebody joins, Realtime asks as "
        "that user whether a message of the channel's topic may be read and put in. A policy that does not ask for the "
        "topic says yes for every channel whose name somebody guesses, of whichever user, room or tenant it is."
    ),
    fix=(
        "Ask for the topic: `using (realtime.topic() = 'user:' || (select auth.uid())::text)`, or look up in a table "
        "of members who belongs into it. Channels that are for everybody need not be private."
    ),
    fine=(
        "Where every signed-in user is meant to receive everything that is sent, which is why it is milder for them "
        "(level medium). Say so in the intent file, by a relation `realtime.messages`."
    ),
    bad=(
        Example(
            "Whoever is signed in, and whoever is not",
            """
            create policy receive on realtime.messages for select to anon, authenticated using (true);
            """,
        ),
        Example(
            "Broadcasts of every channel",
            """
            create policy send on realtime.messages for insert to authenticated with check (extension = 'broadcast');
            """,
        ),
    ),
    good=(
        Example(
            "A channel of one's own",
            """
            create policy receive on realtime.messages for select to authenticated
              using (realtime.topic() = 'user:' || (select auth.uid())::text);
            """,
        ),
        Example(
            "Channels that one is a member of",
            """
            create table public.members (user_id uuid, room text, primary key (user_id, room));
            alter table public.members enable row level security;
            create policy own on public.members for select to authenticated using ((select auth.uid()) = user_id);
            create policy receive on realtime.messages for select to authenticated using (
              exists (
                select 1 from public.members m where m.user_id = (select auth.uid()) and m.room = realtime.topic()
              )
            );
            """,
        ),
        Example(
            "Broadcasts of channels that a restrictive policy lets one into",
            """
            create policy receive on realtime.messages for select to authenticated using (extension = 'broadcast');
            create policy mine on realtime.messages as restrictive for select to authenticated
              using (topic = 'user:' || (select auth.uid())::text);
            """,
        ),
        Example("No policy at all", "select 1;"),
    ),
    check=check,
)
