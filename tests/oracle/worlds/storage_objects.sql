-- Storage: a public bucket, a folder of one's own, uploads by anybody signed in.
create policy "public read" on storage.objects for select using (bucket_id = 'avatars');
create policy "own folder" on storage.objects for select to authenticated
  using (bucket_id = 'files' and (storage.foldername(name))[1] = auth.uid()::text);
create policy "upload" on storage.objects for insert to authenticated with check (bucket_id = 'avatars');
create policy "change" on storage.objects for update to authenticated
  using (bucket_id = 'files' and owner_id = auth.uid()::text);
create policy "remove" on storage.objects for delete to authenticated using ((storage.foldername(name))[1] = (auth.jwt() ->> 'sub'));
-- @seed
insert into storage.buckets (id, name, public) values ('avatars', 'avatars', true), ('files', 'files', false);
insert into storage.objects (id, bucket_id, name, owner_id)
  select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, (array['avatars', 'files'])[n],
    format('%s-0000-4000-8000-000000000001/%s%s.png', repeat(o, 8), o, n),
    case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8)) end
  from unnest(array['a', 'b', 'c']) o, generate_series(1, 2) n;
