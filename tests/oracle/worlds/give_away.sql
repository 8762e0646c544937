-- What an UPDATE may do without WHERE, and checks wider or narrower than what may be seen.
create table public.gifts (id uuid primary key, user_id uuid, mark text, state text not null default 'draft');
alter table public.gifts enable row level security;
create policy see on public.gifts for select to authenticated using (user_id = auth.uid());
create policy give on public.gifts for update to authenticated using (user_id = auth.uid()) with check (true);
create table public.unseen (id uuid primary key, user_id uuid, mark text);
alter table public.unseen enable row level security;
create policy change on public.unseen for update to anon, authenticated using (true) with check (true);
create policy remove on public.unseen for delete to anon using (true);
create table public.hidden (id uuid primary key, user_id uuid, mark text, ok boolean);
alter table public.hidden enable row level security;
create policy change on public.hidden for update to authenticated using (true) with check (user_id = auth.uid());
create policy remove on public.hidden for delete to authenticated using (ok);
create table public.never (id uuid primary key, user_id uuid, mark text);
alter table public.never enable row level security;
create policy see on public.never for select using (true);
create policy change on public.never for update using (true) with check (false);
create table public.states (id uuid primary key, user_id uuid, mark text,
  state text not null check (state in ('draft', 'sent', 'paid')));
alter table public.states enable row level security;
create policy see on public.states for select using (true);
create policy change on public.states for update using (user_id = auth.uid() and state = 'draft') with check (user_id = auth.uid() and state in ('draft', 'sent'));
create policy put on public.states for insert with check (user_id = auth.uid() and state = 'draft');
create policy remove on public.states for delete using (state <> 'paid');
-- @seed
insert into public.gifts select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid,
  case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end, format('[n%s%s]', o, n), 'draft'
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.unseen select id, user_id, mark || 's' from public.gifts;
insert into public.hidden select id, user_id, mark || 'h', mark ~ '1' from public.gifts;
insert into public.never select id, user_id, mark || 'n' from public.gifts;
insert into public.states select format('%s-0000-4000-8000-2000000000%s0', repeat(o, 8), n)::uuid,
  case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end, format('[s%s%s]', o, n), (array['draft', 'sent', 'paid'])[n]
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 3) n;
