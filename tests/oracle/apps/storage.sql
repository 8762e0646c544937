-- Files in folders that are called by their owners' ids, and a table that says what they are.
insert into storage.buckets (id, name, public) values ('documents', 'documents', false);
create policy "own folder: read" on storage.objects for select to authenticated
  using (bucket_id = 'documents' and (storage.foldername(name))[1] = (select auth.uid())::text);
create policy "own folder: upload" on storage.objects for insert to authenticated
  with check (bucket_id = 'documents' and (storage.foldername(name))[1] = (select auth.uid())::text);
create policy "own folder: replace" on storage.objects for update to authenticated
  using (bucket_id = 'documents' and (storage.foldername(name))[1] = (select auth.uid())::text)
  with check (bucket_id = 'documents' and (storage.foldername(name))[1] = (select auth.uid())::text);
create policy "own folder: delete" on storage.objects for delete to authenticated
  using (bucket_id = 'documents' and (storage.foldername(name))[1] = (select auth.uid())::text);
create table public.documents (id uuid primary key default gen_random_uuid(), owner_id uuid not null default auth.uid() references auth.users,
  path text not null, mark text);
alter table public.documents enable row level security;
create policy "own documents" on public.documents to authenticated
  using (owner_id = (select auth.uid())) with check (owner_id = (select auth.uid()));
-- @seed
insert into storage.objects (id, bucket_id, name) select format('%s-0000-4000-8000-500000000001', repeat(o, 8))::uuid, 'documents',
  format('%s-0000-4000-8000-000000000001/[file %s].pdf', repeat(o, 8), o) from unnest(array['a', 'b', 'c']) o;
insert into storage.objects (id, bucket_id, name) values ('d0000000-0000-4000-8000-500000000001', 'documents', '[file in no folder].pdf');
insert into public.documents select format('%s-0000-4000-8000-200000000001', repeat(o, 8))::uuid,
  format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid, 'a.pdf', format('[document %s]', o) from unnest(array['a', 'b', 'c']) o;
-- @measures
authenticated public.documents own own own own
anon public.documents none none none none
