"""What was judged of the fixes of examples: drafts and why they are no more, what is left to do by hand, and SQL."""

from __future__ import annotations

IT_MAY_BE_MEANT = "it may be meant"
GIVES_A_ROLE = "role-chain: A role that the application gives to tenants, and could take itself"
GRAVE_BEFORE_16 = {GIVES_A_ROLE}
"""Drafts that are none up to Postgres 15: CREATEROLE grants any role there, and such a fault is grave."""
DRAFTS = {
    "beyond-intent: Published rows: medium, for it may be meant": IT_MAY_BE_MEANT,
    "tautology: On plain Postgres": IT_MAY_BE_MEANT,
    # To see everything is what such a role is for, until somebody says that it is not.
    "bypass-roles: A membership in a role for administrators": "shop_admin would reach less of public.orders",
    "bypass-roles: A role for exports, beside one that policies bind: only to know": IT_MAY_BE_MEANT,
    # It is called by PostgREST, and revoking it from clients changes nothing.
    "claim-guc-override: Before every request, from a header": "the finding is still there",
    # Its callers may be meant to choose among some roles, which a body can say and a privilege cannot.
    "definer-rpc: A role for the asking, which a policy then asks for": (
        "authenticated could no longer change rows of its own of public.profiles"
    ),
    # What a claim of the server's has to be like is not decided, and e-mail addresses are compared by LIKE.
    "email-claim: An address at some domain": "whether it keeps authenticated from public.notes (select) is not known",
    "event-trigger: Something to know": 'event trigger "note_change" would not run any more',
    # Views of an extension that are in it are not served any more, and somebody may look at them.
    "exposed-schema: Functions of extensions": IT_MAY_BE_MEANT,
    # There is nothing but all of it or none: who is meant to read some takes a view or a function.
    "foreign-table: Another database, with a login for whoever is signed in": (
        "authenticated could no longer read, insert, change and delete rows of its own of public.orders"
    ),
    "foreign-table: A wrapper whose server knows the credentials itself": (
        "authenticated could no longer read rows of its own of public.customers"
    ),
    "insert-check-true: A contact form: medium, for it may be meant": IT_MAY_BE_MEANT,
    # Whoever was sent a token looks up the one invitation by it: that takes a function, which the application calls.
    "invite-token-readable: All of them": "could no longer read rows of its own of public.invitations",
    "invite-token-readable: Those that are still open": "could no longer read rows of its own of public.invitations",
    # A copy has no policies: who reads it reads all of it, and so it is all or nothing.
    "matview: Totals for each account": "could no longer read rows of its own of public.payout_totals",
    "matview: Through a view": "could no longer read rows of its own of public.report",
    # Who may join is for somebody else to say than for whoever joins.
    "membership-self-insert: Members who add themselves": "could no longer insert rows of its own of public.members",
    "membership-self-insert: By a policy for all commands": "could no longer insert rows of its own of public.members",
    "membership-self-insert: Through a helper that asks for the membership": (
        "could no longer insert rows of its own of public.circle_members"
    ),
    # Their severity is medium, so that somebody is to say it.
    "null-logic: IS NOT DISTINCT FROM, of a row without an owner": IT_MAY_BE_MEANT,
    "nullable-owner: Templates: medium, for it may be meant": IT_MAY_BE_MEANT,
    "nullable-owner: Whoever visits writes into a log, in nobody's name: medium, for it may be meant": IT_MAY_BE_MEANT,
    "owner-bypass: The application owns the table": IT_MAY_BE_MEANT,
    # Where no policy says who may, to force them would shut everybody out.
    "owner-bypass: It inherits from the owner": "the finding is still there after it",
    "privilege-column: A plan that nothing in the database asks for: medium": "could no longer change plan",
    "public-grant: Customers, for every login": "metrics_app could no longer read any row of public.customers",
    "public-grant: Settings, written by every login": "metrics_app could no longer read and change any row",
    # Which channels are whose is in the topic, as the application says.
    "realtime-messages: Whoever is signed in, and whoever is not": 'where policy "receive" of realtime.messages was',
    "realtime-messages: Broadcasts of every channel": 'where policy "send" of realtime.messages was',
    # No table leaves a publication of all, and who may read the table besides is said nowhere.
    "realtime-publication: All tables are published": "authenticated could no longer reach rows of billing.charges",
    # It takes a function that runs as its owner, whose body is for the project to write.
    "recursion: The members of one's teams, by a look at the members": 'where policy "my teams" of public.members was',
    "recursion: Two tables that ask each other": 'where policy "owners" of public.members was',
    "recursion: A look at the table that is written to": 'where policy "invite" of public.members was',
    # Nothing in it says whose rows they are.
    "rls-off: Made by `create table as`, readable through PUBLIC alone": "could no longer read rows of its own",
    # The application may give the role to others by it.
    GIVES_A_ROLE: IT_MAY_BE_MEANT,
    # One row of many, and what is in the others is read.
    "secrets: A key among settings that everybody reads": "could no longer read rows of its own of public.app_settings",
    # Which messages are whose is in them.
    "service-schemas: A queue without row-level security": "authenticated could no longer reach rows of pgmq.q_mails",
    "storage-public-bucket: Papers of customers": IT_MAY_BE_MEANT,
    "storage-public-bucket: A policy that looks as if it kept files apart": IT_MAY_BE_MEANT,
    # The helper has to be mended, and it is the policies of others as well that call it.
    "careless-helper: A missing claim is taken for a licence, on a table without private columns": (
        'where policy "of the company" of public.inspections was'
    ),
    "careless-helper: Members of any team": 'where policy "team" of public.files was',
    "to-public: Meant for users": IT_MAY_BE_MEANT,
    "to-public: Some of the rows": IT_MAY_BE_MEANT,
    # The value is shown for some reason, and the function that copies it is for the project to write.
    "trigger-copy: An address, in a feed that everybody reads": "could no longer read who of public.activity",
    "trigger-copy: Of Supabase's users, as a name": "could no longer read username of public.profiles",
    "trigger-copy: Whole rows, in a log of changes": "could no longer read new of public.changes",
    # Who signs up says which address is theirs.
    "unique-oracle: An address, put in by its owner": "authenticated could no longer insert email of public.people",
    "unique-oracle: By an index": "authenticated could no longer insert email of public.people",
    "unique-oracle: Changed by its owner": "authenticated could no longer change email of public.people",
}
"""What speaks against the fixes that are no more than drafts."""

BY_HAND = {
    # Tokens are given out with what is true at the time: it is a setting of the project's how long they last.
    "app-metadata-stale",
    # Another key, for other clients to send: what it is and who looks it up is the application's.
    "fk-oracle",
    # The secret is known, and has to be replaced where it is from.
    "secrets: A key in the command of a job",
    "secrets: A key in a function, which clients of the API cannot read",
    "secrets: Jobs that everybody reads",
    "secrets: On plain Postgres, in a function and in a foreign server, for every role",
    "server-outdated",
    # What is put there when somebody signs up stands in a function, which does more than that.
    "signup-metadata",
}
"""Rules, and examples, of which no SQL is known that would mend them: comments tell what to do."""


SQL = {
    "anonymous-signin: Any user reads": (
        (
            'create policy "with an account" on public.posts as restrictive to authenticated'
            " using (((select auth.jwt()) ->> 'is_anonymous')::boolean is not true);"
        ),
    ),
    "client-guc: The tenant in a header": (
        "-- The server has to put that into app_metadata first: until then nobody passes by it.",
        (
            "alter policy tenant on public.orders"
            " using (tenant_id = (((select auth.jwt()) -> 'app_metadata') ->> 'tenant_id'));"
        ),
    ),
    "for-all-write: What is published is also everybody's to change": (
        "drop policy notes on public.notes;",
        (
            "create policy notes on public.notes for select to authenticated"
            " using (published OR (user_id = ( SELECT auth.uid() AS uid)));"
        ),
        (
            'create policy "own notes" on public.notes to authenticated'
            " using ((select auth.uid()) = user_id) with check ((select auth.uid()) = user_id);"
        ),
    ),
    "graphql-exposure: Nobody but the server reads it": (
        "revoke select on public.fraud_signals from anon, authenticated;",
    ),
    "implicit-rls-dependency: Teams, of whomever": (
        (
            'alter policy "the team" on public.plans using (team_id IN (SELECT m.team_id FROM public.members AS m'
            " WHERE m.user_id = (SELECT auth.uid())));"
        ),
    ),
    "insert-check-true: Only what it says is checked, not who says it": (
        (
            "alter policy drafts on public.notes to authenticated with check ((NOT published)"
            " and (select auth.uid()) = user_id);"
        ),
    ),
    "membership-self-insert: By a policy for all commands": (
        "revoke insert on public.members from anon, authenticated;",
        "revoke update on public.members from anon, authenticated;",
        "grant update (role) on public.members to anon, authenticated;",
    ),
    "mfa-missing: It is asked for in a permissive policy, which is one too many": (
        'drop policy "second factor" on public.payouts;',
        (
            'create policy "second factor" on public.payouts as restrictive for select to authenticated'
            " using (((( SELECT auth.jwt() AS jwt) ->> 'aal'::text) = 'aal2'::text)"
            " AND (user_id = ( SELECT auth.uid() AS uid)));"
        ),
    ),
    "nullable-owner: Everybody changes what nobody owns": (
        "alter policy edit on public.notes using ((user_id = ( SELECT auth.uid() AS uid)));",
    ),
    "row-independent: By a helper, to change": (
        (
            "alter policy members on public.invoices using ((org_id in (select m.org_id from public.members m"
            " where m.user_id = (select auth.uid()))) and (public.is_member()));"
        ),
    ),
    "soft-delete-leak: A second way in": (
        "alter policy pinned on public.posts using ((published and deleted_at is null) and (published AND pinned));",
    ),
    "storage-bucket-only: Everybody overwrites": (
        (
            "alter policy replace on storage.objects"
            " using ((owner_id = (select auth.uid())::text) and (bucket_id = 'contracts'::text));"
        ),
    ),
    "unset-guc: A default that is the row's own": (
        (
            "alter policy tenant on public.notes"
            " using ((nullif(current_setting('app.tenant', true), '') is not null)"
            " and (tenant_id = COALESCE((NULLIF(current_setting('app.tenant'::text, true), ''::text))::uuid,"
            " tenant_id)));"
        ),
    ),
    "update-check-weak: On plain Postgres": (
        (
            "alter policy tenant on public.notes with check"
            " ((tenant_id = (current_setting('app.tenant'::text))::uuid) and (body <> ''::text));"
        ),
    ),
    "user-metadata-claim: In a helper's body": (
        "-- The server has to put that into app_metadata first: until then nobody passes by it.",
        "do $$ begin",
        (
            "  execute replace(pg_get_functiondef('public.is_staff()'::regprocedure),"
            " '''user_metadata''', '''app_metadata''');"
        ),
        "end $$;",
    ),
    "wrong-command: Reading, for DELETE": (
        'alter policy "users can view notes" on public.notes to authenticated using ((select auth.uid()) = user_id);',
    ),
}
"""Fixes to the letter, where there was a shorter way that took too much away, or a longer one."""
