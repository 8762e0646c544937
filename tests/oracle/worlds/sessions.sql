-- What a session is: with an account or without, with a second factor or without.
create table public.base (id uuid primary key, user_id uuid, mark text, email text);
create table public.no_anonymous (like public.base including all);
create table public.only_anonymous (like public.base including all);
create table public.anonymous_read (like public.base including all);
create table public.as_json (like public.base including all);
create table public.needs_factor (like public.base including all);
create table public.factor_to_write (like public.base including all);
create table public.without_factor (like public.base including all);
create table public.by_email (like public.base including all);
create table public.by_provider (like public.base including all);
create table public.by_helper (like public.base including all);
create table public.by_phone (like public.base including all);
create table public.both_ (like public.base including all);
do $$ declare t text; begin
  foreach t in array array['base', 'no_anonymous', 'only_anonymous', 'anonymous_read', 'as_json', 'needs_factor', 'factor_to_write', 'without_factor', 'by_email', 'by_provider', 'by_helper', 'by_phone', 'both_'] loop
    execute format('alter table public.%I enable row level security', t);
  end loop;
end $$;
create function public.has_account() returns boolean language sql stable as
$$ select coalesce((auth.jwt() ->> 'is_anonymous')::boolean, false) is false $$;
create policy p on public.no_anonymous to authenticated using (user_id = auth.uid());
create policy r on public.no_anonymous as restrictive to authenticated using ((auth.jwt() ->> 'is_anonymous')::boolean is false);
create policy p on public.only_anonymous to authenticated using ((select (auth.jwt() ->> 'is_anonymous')::boolean));
create policy p on public.anonymous_read for select to authenticated using (true);
create policy q on public.anonymous_read for update to authenticated using (user_id = auth.uid() and not (auth.jwt() ->> 'is_anonymous')::boolean);
create policy p on public.as_json to authenticated using ((auth.jwt() -> 'is_anonymous')::boolean);
create policy p on public.needs_factor to authenticated using (auth.jwt() ->> 'aal' = 'aal2');
create policy p on public.factor_to_write for select to authenticated using (user_id = auth.uid());
create policy q on public.factor_to_write for update to authenticated using (user_id = auth.uid() and array[auth.jwt() ->> 'aal'] <@ array['aal2']);
create policy p on public.without_factor to authenticated using (auth.jwt() ->> 'aal' = 'aal1');
create policy p on public.by_email to authenticated using (auth.jwt() ->> 'email' like '%@acme.example');
create policy p on public.by_provider to authenticated using (auth.jwt() -> 'app_metadata' ->> 'provider' = 'email');
create policy p on public.by_helper to authenticated using (public.has_account() and user_id = auth.uid());
create policy p on public.by_phone to authenticated using (auth.jwt() ->> 'phone' is null);
create policy p on public.both_ to authenticated using (public.has_account() and (select auth.jwt() ->> 'aal') = 'aal2');
-- @seed
insert into public.base select format('%s-0000-4000-8000-10000000000%s', repeat(o, 8), n)::uuid,
  case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end, format('[%s%s]', o, n), o || '@acme.example'
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.no_anonymous select id, user_id, mark || 'x1', email from public.base;
insert into public.only_anonymous select id, user_id, mark || 'x2', email from public.base;
insert into public.anonymous_read select id, user_id, mark || 'x3', email from public.base;
insert into public.as_json select id, user_id, mark || 'x4', email from public.base;
insert into public.needs_factor select id, user_id, mark || 'x5', email from public.base;
insert into public.factor_to_write select id, user_id, mark || 'x6', email from public.base;
insert into public.without_factor select id, user_id, mark || 'x7', email from public.base;
insert into public.by_email select id, user_id, mark || 'x8', email from public.base;
insert into public.by_provider select id, user_id, mark || 'x9', email from public.base;
insert into public.by_helper select id, user_id, mark || 'x10', email from public.base;
insert into public.by_phone select id, user_id, mark || 'x11', email from public.base;
insert into public.both_ select id, user_id, mark || 'x12', email from public.base;
-- @claims
{"aal": "aal2"}
{"email": "new@acme.example"}
{"phone": "15550100"}
{"app_metadata": {"provider": "github", "providers": ["github"]}}
-- @measures
authenticated public.no_anonymous own own own own
anonymous-sign-in public.no_anonymous none none none none
aal2 public.no_anonymous own own own own
authenticated public.only_anonymous none none none none
anonymous-sign-in public.only_anonymous all all all all
aal2 public.only_anonymous none none none none
anonymous-sign-in public.anonymous_read all none none none
authenticated public.anonymous_read all none own none
anonymous-sign-in public.as_json all all all all
authenticated public.as_json none none none none
authenticated public.needs_factor all all all all
aal2 public.needs_factor all all all all
aal2 public.without_factor none none none none
authenticated public.without_factor all all all all
aal2 public.factor_to_write own none own none
anonymous-sign-in public.by_email none none none none
authenticated public.by_email all all all all
anonymous-sign-in public.by_provider none none none none
anonymous-sign-in public.by_helper none none none none
anonymous-sign-in public.by_phone none none none none
anonymous-sign-in public.both_ none none none none
