-- Writing through views: check options, columns left out, filters, joins, generated columns, INSTEAD OF triggers.
create table public.tasks (id uuid primary key default gen_random_uuid(), user_id uuid, mark text not null, done boolean not null default false);
alter table public.tasks enable row level security;
create policy see on public.tasks for select using (user_id = auth.uid());
create view public.plain as select * from public.tasks;
create view public.open_tasks as select id, user_id, mark, done from public.tasks where not done;
create view public.checked as select id, user_id, mark, done from public.tasks where not done with check option;
create view public.locally as select id, user_id, mark, done from public.open_tasks where user_id = auth.uid() with local check option;
create view public.own_checked as select * from public.tasks where user_id = auth.uid() with cascaded check option;
create view public.no_mark as select id, user_id from public.tasks;
create view public.no_owner as select id, mark, done from public.tasks;
create view public.no_owner_checked as select id, mark from public.tasks where user_id = auth.uid() with check option;
create view public.joined as select t.id, t.mark from public.tasks t join public.tasks u using (id);
create view public.computed as select id, user_id, upper(mark) as loud, mark from public.tasks;
create view public.limited as select * from public.tasks limit 100;
create view public.instead as select id, user_id, mark from public.tasks;
create function public.do_it() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  if tg_op = 'DELETE' then delete from public.tasks where id = old.id; return old; end if;
  if tg_op = 'UPDATE' then update public.tasks set mark = new.mark where id = old.id; return new; end if;
  insert into public.tasks (user_id, mark) values (auth.uid(), new.mark); return new;
end $$;
create trigger t instead of insert or update or delete on public.instead for each row execute function public.do_it();
create table public.inner_rls (id uuid primary key, user_id uuid, mark text);
alter table public.inner_rls enable row level security;
create policy own on public.inner_rls using (user_id = auth.uid()) with check (true);
create view public.by_invoker with (security_invoker = on) as select * from public.inner_rls;
create view public.by_invoker_checked with (security_invoker = on) as select * from public.inner_rls where user_id = auth.uid() with check option;
create table public.some_columns (id uuid primary key default gen_random_uuid(), user_id uuid default auth.uid(), mark text);
revoke insert, update on public.some_columns from anon, authenticated;
grant insert (id, mark), update (mark) on public.some_columns to authenticated;
create view public.some_columns_view with (security_invoker = on) as select * from public.some_columns;
create view public.view_grants as select * from public.some_columns;
revoke all on public.view_grants from anon, authenticated;
grant select (id, mark), insert (id, mark), update (mark) on public.view_grants to authenticated;
-- @seed
insert into public.tasks select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid,
  case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end, format('[n%s%s]', o, n), n = 2
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.inner_rls select id, user_id, mark || 'i' from public.tasks;
insert into public.some_columns select id, user_id, mark || 's' from public.tasks;
