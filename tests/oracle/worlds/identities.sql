-- What a token may say: the anonymous key, claims that a user writes itself, and claims that only the server gives.
create table public.by_sub (id uuid primary key, user_id uuid, mark text);
alter table public.by_sub enable row level security;
create policy a on public.by_sub for select using (auth.uid() is not distinct from user_id);
create policy b on public.by_sub for insert with check (coalesce(auth.uid(), user_id) = user_id);
create policy c on public.by_sub for update using ((auth.jwt() ->> 'sub')::uuid = user_id);
create policy d on public.by_sub for delete using (auth.uid() <> user_id);
create table public.by_meta (id uuid primary key, user_id uuid, mark text);
alter table public.by_meta enable row level security;
create policy a on public.by_meta for select using ((auth.jwt() -> 'user_metadata' ->> 'role') = 'staff');
create policy b on public.by_meta for insert with check ((auth.jwt() -> 'app_metadata' ->> 'role') = 'staff');
create policy c on public.by_meta for update using ((auth.jwt() ->> 'role') = 'anon');
create policy d on public.by_meta for delete using (auth.role() in ('service_role', 'authenticated'));
create table public.by_setting (id uuid primary key, user_id uuid, mark text);
alter table public.by_setting enable row level security;
create policy a on public.by_setting for select using (current_setting('request.jwt.claims', true)::json ->> 'sub' = user_id::text);
create policy b on public.by_setting for insert with check (current_user = 'anon');
create policy c on public.by_setting for update using (session_user = 'authenticator');
create policy d on public.by_setting for delete using (current_setting('request.method', true) = 'POST');
create table public.text_owner (id uuid primary key, owner text, mark text, members uuid[] not null default '{}');
alter table public.text_owner enable row level security;
create policy a on public.text_owner for select using (owner = auth.uid()::text);
create policy b on public.text_owner for insert with check (owner = (auth.jwt() ->> 'sub'));
create policy c on public.text_owner for update using (auth.uid() = any (members));
create policy d on public.text_owner for delete using (owner like auth.uid()::text || '%');
create table public.negated (id uuid primary key, user_id uuid, mark text, hidden boolean);
alter table public.negated enable row level security;
create policy a on public.negated for select using (not (user_id <> auth.uid()));
create policy b on public.negated for update using (not hidden) with check (true);
create policy c on public.negated for delete using (case when hidden then user_id = auth.uid() else true end);
create policy d on public.negated for insert with check ((user_id = auth.uid()) is not false);
-- @seed
insert into public.by_sub select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid,
  case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end, format('[n%s%s]', o, n)
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.by_meta select id, user_id, mark || 'm' from public.by_sub;
insert into public.by_setting select id, user_id, mark || 's' from public.by_sub;
insert into public.text_owner select id, user_id::text, mark || 't', array_remove(array[user_id], null) from public.by_sub;
insert into public.negated select id, user_id, mark || 'n', case when mark ~ '1' then true end from public.by_sub;
insert into public.negated select replace(id::text, '-10', '-20')::uuid, user_id, mark || 'nn', false from public.by_sub;
-- @claims
{"user_metadata": {"role": "staff"}}
