-- A team is joined with a token that an admin gave; nobody reads tokens, and nobody lets oneself in.
create schema private;
grant usage on schema private to authenticated;
create table public.teams (id uuid primary key default gen_random_uuid(), name text not null, mark text);
create table public.team_members (team_id uuid not null references public.teams on delete cascade,
  user_id uuid not null references auth.users on delete cascade, is_admin boolean not null default false, mark text,
  primary key (team_id, user_id));
create table public.invitations (id uuid primary key default gen_random_uuid(), team_id uuid not null references public.teams,
  token_hash text not null, used_at timestamptz, mark text);
create table public.documents (id uuid primary key default gen_random_uuid(), team_id uuid not null references public.teams, body text, mark text);
create function private.in_team(team uuid) returns boolean language sql stable security definer set search_path = '' as
$$ select exists (select 1 from public.team_members m where m.team_id = team and m.user_id = (select auth.uid())) $$;
create function private.leads_team(team uuid) returns boolean language sql stable security definer set search_path = '' as
$$ select exists (select 1 from public.team_members m where m.team_id = team and m.user_id = (select auth.uid()) and m.is_admin) $$;
revoke execute on all functions in schema private from public;
grant execute on all functions in schema private to authenticated;
alter table public.teams enable row level security;
alter table public.team_members enable row level security;
alter table public.invitations enable row level security;
alter table public.documents enable row level security;
create policy members on public.teams for select to authenticated using (private.in_team(id));
create policy members on public.team_members for select to authenticated using (private.in_team(team_id));
create policy leave on public.team_members for delete to authenticated using (user_id = (select auth.uid()));
create policy members on public.documents to authenticated using (private.in_team(team_id)) with check (private.in_team(team_id));
revoke all on public.invitations from anon, authenticated;
create function public.accept_invitation(token text) returns void language plpgsql security definer set search_path = '' as $$
declare
  found public.invitations;
begin
  if (select auth.uid()) is null then
    raise exception 'not signed in';
  end if;
  select * into found from public.invitations i
    where i.token_hash = encode(sha256(token::bytea), 'hex') and i.used_at is null for update;
  if not found then
    raise exception 'no such invitation';
  end if;
  insert into public.team_members (team_id, user_id) values (found.team_id, (select auth.uid()));
  update public.invitations set used_at = now() where id = found.id;
end $$;
revoke execute on function public.accept_invitation(text) from public, anon;
grant execute on function public.accept_invitation(text) to authenticated;
-- @seed
insert into public.teams select format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid, o, format('[team %s]', o)
  from unnest(array['a', 'b', 'c']) o;
insert into public.team_members select format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid,
  format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid, o = 'a', format('[member %s]', o) from unnest(array['a', 'b', 'c']) o;
insert into public.invitations select format('%s-0000-4000-8000-300000000001', repeat(o, 8))::uuid,
  format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid, encode(sha256('secret'), 'hex'), null, format('[invitation %s]', o)
  from unnest(array['a', 'b', 'c']) o;
insert into public.documents select format('%s-0000-4000-8000-400000000001', repeat(o, 8))::uuid,
  format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid, 'text', format('[document %s]', o) from unnest(array['a', 'b', 'c']) o;
-- @calls
select public.accept_invitation('guess')
-- @measures
authenticated public.teams own none none none
authenticated public.team_members own none none own
authenticated public.documents own own own own
authenticated public.invitations none none none none
