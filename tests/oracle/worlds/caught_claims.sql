-- Helpers that cast a claim and catch what that may raise: of whoever has none, NULL comes back.
create type public.app_role as enum ('operator', 'client', 'admin');
create function public.my_company() returns uuid language plpgsql stable security definer as
$$ begin return nullif(auth.jwt() ->> 'company_id', '')::uuid; exception when others then return null; end $$;
create function public.my_role() returns public.app_role language plpgsql stable security definer as
$$ begin return (auth.jwt() ->> 'app_role')::public.app_role; exception when others then return null; end $$;
create table public.invoices (id uuid primary key, user_id uuid, company_id uuid, mark text);
alter table public.invoices enable row level security;
create policy p on public.invoices for select using (company_id = public.my_company());
create policy p2 on public.invoices for update using (company_id = public.my_company() and public.my_role() = 'operator');
-- Nothing is unequal to what is NULL, and so nobody without a claim is refused.
create function public.may_see(company uuid) returns boolean language plpgsql stable security definer as
$$ declare mine uuid; role public.app_role; begin
  mine := public.my_company(); role := public.my_role();
  if company is null or company <> mine then return false; end if;
  if role = 'client' then return false; end if;
  return true;
end $$;
create table public.sites (id uuid primary key, user_id uuid, company_id uuid, mark text);
alter table public.sites enable row level security;
create policy p on public.sites for select using (public.may_see(company_id));
-- What comes back where there is no claim is not always NULL.
create function public.my_level() returns integer language plpgsql stable security definer as
$$ begin return coalesce(auth.jwt() ->> 'level', 'none')::integer; exception when others then return 9; end $$;
create table public.by_level (id uuid primary key, user_id uuid, company_id uuid, mark text);
alter table public.by_level enable row level security;
create policy p on public.by_level for select using (public.my_level() > 8);
-- A domain refuses what its type would take.
create domain public.company as uuid not null;
create function public.my_domain() returns uuid language plpgsql stable security definer as
$$ begin return (auth.jwt() ->> 'company_id')::public.company; exception when others then return '00000000-0000-4000-8000-000000000009'; end $$;
create table public.by_domain (id uuid primary key, user_id uuid, company_id uuid, mark text);
alter table public.by_domain enable row level security;
create policy p on public.by_domain for select using (public.my_domain() = '00000000-0000-4000-8000-000000000009');
-- @seed
insert into public.invoices select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid,
  format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid, format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid, format('[n%s%s]', o, n)
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.sites select id, user_id, case when user_id::text like 'c%' and mark like '%1]' then null else company_id end, mark || 'x1' from public.invoices;
insert into public.by_level select id, user_id, company_id, mark || 'x2' from public.invoices;
insert into public.by_domain select id, user_id, company_id, mark || 'x3' from public.invoices;
-- @claims
{"sub": "aaaaaaaa-0000-4000-8000-000000000001", "company_id": "aaaaaaaa-0000-4000-8000-200000000001"}
{"sub": "bbbbbbbb-0000-4000-8000-000000000001", "company_id": "bbbbbbbb-0000-4000-8000-200000000001"}
{"sub": "bbbbbbbb-0000-4000-8000-000000000001", "company_id": "no id", "app_role": "no role"}
-- @measures
authenticated public.invoices own none none none
anon public.invoices none none none none
anon public.sites some none none none
anon public.by_level all none none none
anon public.by_domain all none none none
authenticated public.sites some none none none
authenticated public.by_level all none none none
authenticated public.by_domain all none none none
