-- A trigger that runs as its owner and writes elsewhere: directly, through a function, by dynamic SQL, through a view.
create table public.inbox (id uuid primary key, user_id uuid, mark text);
create table public.log (id uuid primary key default gen_random_uuid(), user_id uuid, mark text);
create table public.counters (id uuid primary key, user_id uuid, mark text, n int not null default 0);
create table public.chained (id uuid primary key, user_id uuid, mark text);
create table public.last (id uuid primary key default gen_random_uuid(), user_id uuid, mark text);
create table public.cleaned (id uuid primary key, user_id uuid, mark text);
create table public.invoked (id uuid primary key, user_id uuid, mark text);
alter table public.log enable row level security;
alter table public.counters enable row level security;
alter table public.chained enable row level security;
alter table public.last enable row level security;
alter table public.cleaned enable row level security;
alter table public.invoked enable row level security;
create policy change on public.chained for update to authenticated using (user_id = auth.uid());
create policy see on public.chained for select to authenticated using (user_id = auth.uid());
create view public.cleaned_view as select * from public.cleaned;
revoke all on public.cleaned_view from anon, authenticated;
create function public.helper(who uuid) returns void language sql as $$ update public.counters set n = n + 1 where user_id = who $$;
create function public.note() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  insert into public.log (user_id, mark) values (new.user_id, 'new ' || new.mark);
  perform public.helper(new.user_id);
  return new;
end $$;
create function public.chain() returns trigger language plpgsql security definer set search_path = public as $$
begin update chained set mark = mark || '!' where user_id = old.user_id; return old; end $$;
create function public.chain_more() returns trigger language plpgsql security definer set search_path = '' as $$
begin insert into public.last (user_id, mark) values (new.user_id, 'x'); return new; end $$;
create function public.clean() returns trigger language plpgsql security definer set search_path = '' as $$
begin delete from public.cleaned_view where user_id = new.user_id; return null; end $$;
create function public.invoke() returns trigger language plpgsql as $$
begin delete from public.invoked; return null; end $$;
create trigger a after insert on public.inbox for each row execute function public.note();
create trigger b after delete on public.inbox for each row execute function public.chain();
create trigger c after update on public.chained for each row execute function public.chain_more();
create trigger e after update on public.inbox for each row execute function public.clean();
create trigger f after update on public.inbox for each row execute function public.invoke();
-- @seed
set session_replication_role = replica;
insert into public.inbox select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid,
  case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end, format('[n%s%s]', o, n)
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.log select id, user_id, mark || 'l' from public.inbox;
insert into public.counters select id, user_id, mark || 'k' from public.inbox;
insert into public.chained select id, user_id, mark || 'c' from public.inbox;
insert into public.last select id, user_id, mark || 't' from public.inbox;
insert into public.cleaned select id, user_id, mark || 'e' from public.inbox;
insert into public.invoked select id, user_id, mark || 'i' from public.inbox;
reset session_replication_role;
