-- Helpers that catch errors: where nothing can fail the handler says nothing, elsewhere it may be all that is said.
create type public.app_role as enum ('admin', 'member');
create function public.my_role() returns public.app_role language plpgsql stable security definer set search_path = '' as
$$ begin return (auth.jwt() ->> 'app_role')::public.app_role; exception when others then return null; end $$;
create function public.my_org() returns uuid language plpgsql stable security definer set search_path = '' as
$$ begin return (auth.jwt() ->> 'org_id')::uuid; exception when invalid_text_representation then return null; end $$;
-- Without a claim nothing is unequal to it.
create function public.may_see(org uuid) returns boolean language plpgsql stable security definer set search_path = '' as
$$ declare mine uuid; begin
  mine := public.my_org();
  if org is null or org <> mine then return false; end if;
  return true;
end $$;
create function public.fails() returns text language plpgsql stable as $$ begin raise exception 'no'; end $$;
create function public.handler_says_yes() returns boolean language plpgsql stable security definer set search_path = '' as
$$ begin perform public.fails(); return false; exception when others then return true; end $$;
create function public.cast_fails() returns boolean language plpgsql stable security definer set search_path = '' as
$$ begin return 'maybe'::text::boolean; exception when others then return true; end $$;
create table public.by_claim (id uuid primary key, user_id uuid, mark text);
alter table public.by_claim enable row level security;
create policy p on public.by_claim for select using (public.may_see(user_id));
create table public.by_role (id uuid primary key, user_id uuid, mark text);
alter table public.by_role enable row level security;
create policy p on public.by_role for select using (public.my_role() = 'admin');
create table public.by_handler (id uuid primary key, user_id uuid, mark text);
alter table public.by_handler enable row level security;
create policy p on public.by_handler for select using (public.handler_says_yes());
create table public.by_cast (id uuid primary key, user_id uuid, mark text);
alter table public.by_cast enable row level security;
create policy p on public.by_cast for select using (public.cast_fails());
-- @seed
insert into public.by_claim select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid,
  case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end, format('[n%s%s]', o, n)
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
insert into public.by_role select id, user_id, mark || 'x1' from public.by_claim;
insert into public.by_handler select id, user_id, mark || 'x2' from public.by_claim;
insert into public.by_cast select id, user_id, mark || 'x3' from public.by_claim;
-- @measures
anon public.by_claim some none none none
anon public.by_role none none none none
anon public.by_handler all none none none
anon public.by_cast all none none none
