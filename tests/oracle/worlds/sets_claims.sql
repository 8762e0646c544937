-- Policies that change the claims while they are asked: what the next condition reads is theirs.
create function public.becomes() returns boolean language sql as
$$ select set_config('request.jwt.claim.sub', 'cccccccc-0000-4000-8000-000000000001', true) is not null $$;
create table public.by_helper (id uuid primary key, owner uuid not null, mark text);
alter table public.by_helper enable row level security;
create policy p on public.by_helper using (public.becomes() and auth.uid() is not null);
create table public.by_policy (id uuid primary key, owner uuid not null, mark text);
alter table public.by_policy enable row level security;
create policy p on public.by_policy using (
  set_config('request.jwt.claim.sub', owner::text, true) is not null and auth.uid() = owner);
-- @seed
insert into public.by_helper select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid,
  format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid, format('[n%s%s]', o, n)
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.by_policy select id, owner, mark || 'p' from public.by_helper;
