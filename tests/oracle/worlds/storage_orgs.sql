-- Storage by folder: one's own, and those of one's organisation; a name that a column of the subquery hides.
create table public.orgs (id uuid primary key, name text, mark text);
create table public.members (org_id uuid not null, user_id uuid not null, mark text, primary key (org_id, user_id));
alter table public.orgs enable row level security;
alter table public.members enable row level security;
create policy own on public.members for select using (user_id = auth.uid());
create policy see on public.orgs for select using (true);
create function public.my_folders() returns setof text language sql stable security definer set search_path = '' as
'select m.org_id::text from public.members m where m.user_id = auth.uid()';
create policy "own folder" on storage.objects for select to authenticated
  using (bucket_id = 'users' and (storage.foldername(name))[1] = auth.uid()::text);
create policy "folder of the organisation" on storage.objects for select to authenticated
  using (bucket_id = 'orgs' and exists (select from public.members m where m.org_id::text = (storage.foldername(name))[1] and m.user_id = auth.uid()));
create policy "upload" on storage.objects for insert to authenticated
  with check (bucket_id = 'orgs' and (storage.foldername(name))[1] in (select public.my_folders()));
create policy "change" on storage.objects for update to authenticated
  using (bucket_id = 'orgs' and split_part(name, '/', 1) in (select m.org_id::text from public.members m where m.user_id = auth.uid()));
create policy "hidden name" on storage.objects for delete to authenticated
  using (bucket_id = 'orgs' and exists (select from public.orgs o join public.members m on m.org_id = o.id
    where m.user_id = auth.uid() and o.id::text = (storage.foldername(name))[1]));
-- @seed
insert into public.orgs select format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid, 'team ' || o, format('[o%s]', o) from unnest(array['a', 'b', 'c']) o;
insert into public.members select format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid,
  format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid, format('[m%s]', o) from unnest(array['a', 'b', 'c']) o;
insert into storage.buckets (id, name) values ('orgs', 'orgs'), ('users', 'users');
insert into storage.objects (id, bucket_id, name)
  select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, (array['orgs', 'users'])[n],
    format('%s-0000-4000-8000-%s00000000001/%s%s.png', repeat(o, 8), (array[2, 0])[n], o, n) from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
-- @measures
anon public.orgs all none none none
authenticated public.members own none none none
authenticated public.orgs all none none none
authenticated storage.objects own own own none
