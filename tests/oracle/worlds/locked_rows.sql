-- Functions that lock the row that they ask about, before they write.
create table public.projects (id uuid primary key, owner_id uuid not null, state text not null default 'draft', mark text);
alter table public.projects enable row level security;
create policy own on public.projects for select using (owner_id = auth.uid());
create table public.steps (id uuid primary key, project_id uuid not null references public.projects, mark text);
alter table public.steps enable row level security;
create policy own on public.steps for select using (exists (select from public.projects p where p.id = project_id and p.owner_id = auth.uid()));
create policy own_too on public.steps for delete using (exists (select from public.projects p where p.id = project_id and p.owner_id = auth.uid()));
create function public.archive(p_id uuid) returns void language plpgsql security definer set search_path = '' as
$$ declare found_id uuid; begin
  select p.id into found_id from public.projects p where p.id = p_id and p.owner_id = auth.uid() for update;
  if not found then raise exception 'no such project'; end if;
  update public.projects set state = 'archived' where id = p_id;
end $$;
create function public.drop_steps(p_id uuid) returns void language plpgsql security definer set search_path = '' as
$$ declare whose uuid; begin
  select p.owner_id into whose from public.projects p where p.id = p_id for no key update of p nowait;
  if whose is distinct from auth.uid() then raise exception 'not yours'; end if;
  delete from public.steps where project_id = p_id;
end $$;
-- Where locked rows are left out there may be none that is asked about, though there is one.
create table public.claimed (id uuid primary key, owner_id uuid not null, mark text);
alter table public.claimed enable row level security;
create policy own on public.claimed for select using (owner_id = auth.uid());
create function public.take(p_id uuid) returns void language plpgsql security definer set search_path = '' as
$$ begin
  perform 1 from public.claimed where id = p_id and owner_id is distinct from auth.uid() for update skip locked;
  if found then raise exception 'taken'; end if;
  delete from public.claimed where id = p_id;
end $$;
-- @seed
insert into public.projects (id, owner_id, mark) select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid,
  format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid, format('[n%s%s]', o, n)
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.steps select id, id, mark || 'x1' from public.projects;
insert into public.claimed select id, owner_id, mark || 'x2' from public.projects;
-- @calls
select public.archive('aaaaaaaa-0000-4000-8000-100000000010')
select public.archive('bbbbbbbb-0000-4000-8000-100000000010')
select public.archive('cccccccc-0000-4000-8000-100000000010')
select public.drop_steps('aaaaaaaa-0000-4000-8000-100000000010')
select public.drop_steps('bbbbbbbb-0000-4000-8000-100000000010')
select public.drop_steps('cccccccc-0000-4000-8000-100000000010')
select public.take('aaaaaaaa-0000-4000-8000-100000000010')
select public.take('cccccccc-0000-4000-8000-100000000010')
-- @measures
anon public.projects none none none none
authenticated public.projects own none own none
authenticated public.steps own none none own
authenticated public.claimed own none none own
