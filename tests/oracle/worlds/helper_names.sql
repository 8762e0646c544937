-- Helpers in whose bodies the name of a parameter means something else: a variable, an alias, a column of no table.
create function public.declares(o uuid) returns boolean language plpgsql stable as
$$ declare o uuid; begin return o is null; end $$;
create table public.by_variable (id uuid primary key, owner uuid not null, mark text);
alter table public.by_variable enable row level security;
create policy p on public.by_variable using (public.declares(owner));
create function public.renames(o uuid, other uuid) returns boolean language plpgsql stable as
$$ declare o alias for $2; begin return o is null; end $$;
create table public.by_alias (id uuid primary key, owner uuid not null, mark text);
alter table public.by_alias enable row level security;
create policy p on public.by_alias using (public.renames(owner, null));
create function public.finds(found boolean) returns boolean language plpgsql stable as
$$ begin return not found; end $$;
create table public.by_found (id uuid primary key, owner uuid not null, mark text);
alter table public.by_found enable row level security;
create policy p on public.by_found using (public.finds(true));
create function public.lists(b boolean) returns boolean language sql stable as
'select exists (select 1 from (values (true)) as v (b) where b)';
create table public.by_values (id uuid primary key, owner uuid not null, mark text);
alter table public.by_values enable row level security;
create policy p on public.by_values using (public.lists(false));
create function public.always(a uuid, b text) returns boolean language sql immutable as 'select true';
create operator public.= (leftarg = uuid, rightarg = text, function = public.always);
create function public.equals(whose uuid) returns boolean language sql stable as 'select whose = auth.uid()::text';
create table public.by_operator (id uuid primary key, owner uuid not null, mark text);
alter table public.by_operator enable row level security;
create policy p on public.by_operator using (public.equals(owner));
create function public.cases(whose uuid) returns boolean language sql stable as 'select case whose when auth.uid()::text then true else false end';
create table public.by_case (id uuid primary key, owner uuid not null, mark text);
alter table public.by_case enable row level security;
create policy p on public.by_case using (public.cases(owner));
create function public.lower(uuid) returns text language sql immutable as $$ select 'x' $$;
create function public.same(whose uuid) returns boolean language sql stable as 'select lower(whose) = lower(auth.uid())';
create table public.by_function (id uuid primary key, owner uuid not null, mark text);
alter table public.by_function enable row level security;
create policy p on public.by_function using (public.same(owner));
-- @seed
insert into public.by_variable select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid,
  format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid, format('[n%s%s]', o, n)
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.by_alias select id, owner, mark || 'a' from public.by_variable;
insert into public.by_found select id, owner, mark || 'f' from public.by_variable;
insert into public.by_values select id, owner, mark || 'v' from public.by_variable;
insert into public.by_operator select id, owner, mark || 'o' from public.by_variable;
insert into public.by_function select id, owner, mark || 'n' from public.by_variable;
insert into public.by_case select id, owner, mark || 'c' from public.by_variable;
