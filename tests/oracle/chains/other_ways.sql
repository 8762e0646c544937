-- Rows that come about by functions, signing up, or not at all; what is taken away; what anybody writes.
create table public.orgs (id uuid primary key);
create table public.by_call (org_id uuid not null references public.orgs, user_id uuid not null references auth.users, primary key (org_id, user_id));
create table public.at_sign_up (id uuid primary key references auth.users on delete cascade, role text not null default 'user');
create table public.bans (user_id uuid primary key references auth.users, why text);
create table public.tickets (code text primary key);
alter table public.orgs enable row level security;
alter table public.by_call enable row level security;
alter table public.at_sign_up enable row level security;
alter table public.bans enable row level security;
alter table public.tickets enable row level security;
create function public.join_org(org uuid) returns void language plpgsql security definer set search_path = '' as
$$ begin insert into public.by_call values (org, auth.uid()); end $$;
create function public.sign_up() returns trigger language plpgsql security definer set search_path = '' as
$$ begin insert into public.at_sign_up (id) values (new.id); return new; end $$;
create trigger made after insert on auth.users for each row execute function public.sign_up();
create policy own on public.by_call for select to authenticated using (user_id = auth.uid());
create policy own on public.at_sign_up for select to authenticated using (id = auth.uid());
create policy make on public.at_sign_up for insert to authenticated with check (id = auth.uid());
create policy own on public.bans to authenticated using (user_id = auth.uid());
create policy anybody on public.tickets for insert with check (true);
create policy everybody on public.tickets for select using (true);
create table public.call_docs (id uuid primary key, org_id uuid not null references public.orgs, mark text);
create table public.staff_docs (id uuid primary key, mark text);
create table public.unbanned_docs (id uuid primary key, mark text);
create table public.ticket_docs (id uuid primary key, mark text);
create table public.coded_docs (id uuid primary key, code text not null, mark text);
alter table public.call_docs enable row level security;
alter table public.staff_docs enable row level security;
alter table public.unbanned_docs enable row level security;
alter table public.ticket_docs enable row level security;
alter table public.coded_docs enable row level security;
create policy p on public.call_docs using (org_id in (select m.org_id from public.by_call m where m.user_id = auth.uid()));
create policy p on public.staff_docs using (exists (select from public.at_sign_up p where p.id = auth.uid() and p.role = 'admin'));
create policy p on public.unbanned_docs for select to authenticated using (not exists (select from public.bans b where b.user_id = auth.uid()));
create policy p on public.ticket_docs for select using (exists (select from public.tickets t where t.code = 'golden'));
create policy p on public.coded_docs for select using (exists (select from public.tickets t where t.code = coded_docs.code));
-- @seed
insert into auth.users (id, email) values ('aaaaaaaa-0000-4000-8000-000000000001', 'a@example.com');
insert into public.at_sign_up (id) select id from auth.users on conflict do nothing;
insert into public.orgs values ('aaaaaaaa-0000-4000-8000-200000000001'), ('bbbbbbbb-0000-4000-8000-200000000001');
insert into public.call_docs select gen_random_uuid(), id, left(id::text, 3) from public.orgs;
insert into public.staff_docs select gen_random_uuid(), left(id::text, 3) from public.orgs;
insert into public.unbanned_docs select gen_random_uuid(), left(id::text, 3) from public.orgs;
insert into public.ticket_docs select gen_random_uuid(), left(id::text, 3) from public.orgs;
insert into public.coded_docs select gen_random_uuid(), left(id::text, 3), left(id::text, 3) from public.orgs;
-- @values
admin
golden
aaa
bbb
-- @expected
authenticated public.call_docs unknown unknown unknown unknown
authenticated public.staff_docs unknown unknown unknown unknown
authenticated public.unbanned_docs all none none none
authenticated public.ticket_docs unknown none none none
anon public.ticket_docs unknown none none none
authenticated public.coded_docs unknown none none none
