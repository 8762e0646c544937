-- No table is for clients: functions of the owner's rights look who is asking, and are all that there is.
create table public.wallets (user_id uuid primary key references auth.users on delete cascade,
  balance numeric not null default 0 check (balance >= 0), mark text);
create table public.transfers (id uuid primary key default gen_random_uuid(), sender uuid not null references auth.users,
  receiver uuid not null references auth.users, amount numeric not null check (amount > 0), mark text);
alter table public.wallets enable row level security;
alter table public.transfers enable row level security;
revoke all on public.wallets, public.transfers from anon, authenticated;
create function public.my_wallet() returns setof public.wallets language sql stable security definer set search_path = '' as
$$ select w.* from public.wallets w where w.user_id = (select auth.uid()) $$;
create function public.my_transfers() returns setof public.transfers language sql stable security definer set search_path = '' as
$$ select t.* from public.transfers t where t.sender = (select auth.uid()) $$;
create function public.rename_transfer(which uuid, name text) returns void language plpgsql security definer set search_path = '' as $$
begin
  if (select auth.uid()) is null then
    raise exception 'not signed in';
  end if;
  update public.transfers set mark = name where id = which and sender = (select auth.uid());
end $$;
revoke execute on function public.my_wallet(), public.my_transfers(), public.rename_transfer(uuid, text) from public, anon;
grant execute on function public.my_wallet(), public.my_transfers(), public.rename_transfer(uuid, text) to authenticated;
-- @seed
insert into public.wallets select format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid, ascii(o), format('[wallet %s]', o)
  from unnest(array['a', 'b', 'c']) o;
insert into public.transfers select format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid,
  format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid, 'cccccccc-0000-4000-8000-000000000001', 1, format('[transfer %s]', o)
  from unnest(array['a', 'b', 'c']) o;
-- @calls
select * from public.my_wallet()
select * from public.my_transfers()
select public.rename_transfer('aaaaaaaa-0000-4000-8000-200000000001', 'x')
select public.rename_transfer('cccccccc-0000-4000-8000-200000000001', 'x')
-- @measures
authenticated public.transfers own none own none
anon public.transfers none none none none
authenticated public.wallets own none none none
anon public.wallets none none none none
