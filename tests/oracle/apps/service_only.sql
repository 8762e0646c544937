-- The browser only signs in: a server of its own does the rest, with the service key.
create table public.accounts (id uuid primary key, email text, plan text, mark text);
create table public.invoices (id uuid primary key, account_id uuid references public.accounts, iban text, mark text);
create table public.jobs (id uuid primary key, payload jsonb, mark text);
alter table public.accounts enable row level security;
alter table public.invoices enable row level security;
alter table public.jobs enable row level security;
revoke all on all tables in schema public from anon, authenticated;
create policy "The server" on public.jobs to service_role using (true) with check (true);
-- @seed
insert into public.accounts select format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid, o, 'free', format('[account %s]', o)
  from unnest(array['a', 'b', 'c']) o;
insert into public.invoices select format('%s-0000-4000-8000-300000000001', repeat(o, 8))::uuid,
  format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid, 'DE', format('[invoice %s]', o) from unnest(array['a', 'b', 'c']) o;
insert into public.jobs select format('%s-0000-4000-8000-400000000001', repeat(o, 8))::uuid, '{}', format('[job %s]', o)
  from unnest(array['a', 'b', 'c']) o;
-- @measures
anon public.accounts none none none none
authenticated public.accounts none none none none
authenticated public.invoices none none none none
authenticated public.jobs none none none none
