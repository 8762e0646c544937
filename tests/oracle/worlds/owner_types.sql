-- Owners of other types than uuid, and comparisons that fold, cut, pad or round.
create table public.typed_01 (id uuid primary key, owner char(40), mark text, mail text);
alter table public.typed_01 enable row level security;
create policy a on public.typed_01 for select using (owner = auth.uid()::text);
create policy b on public.typed_01 for delete using (owner = auth.uid()::text);
create table public.typed_02 (id uuid primary key, owner varchar(36), mark text, mail text);
alter table public.typed_02 enable row level security;
create policy a on public.typed_02 for select using (owner = auth.uid()::text);
create policy b on public.typed_02 for delete using (owner = auth.uid()::text);
create table public.typed_03 (id uuid primary key, owner varchar(36), mark text, mail text);
alter table public.typed_03 enable row level security;
create policy a on public.typed_03 for select using (lower(owner) = lower(auth.uid()::text));
create policy b on public.typed_03 for delete using (lower(owner) = lower(auth.uid()::text));
create table public.typed_04 (id uuid primary key, owner text, mark text, mail text);
alter table public.typed_04 enable row level security;
create policy a on public.typed_04 for select using (lower(owner) = auth.uid()::text);
create policy b on public.typed_04 for delete using (lower(owner) = auth.uid()::text);
create table public.typed_05 (id uuid primary key, owner text, mark text, mail text);
alter table public.typed_05 enable row level security;
create policy a on public.typed_05 for select using (owner::uuid = auth.uid());
create policy b on public.typed_05 for delete using (owner::uuid = auth.uid());
create table public.typed_06 (id uuid primary key, owner text[], mark text, mail text);
alter table public.typed_06 enable row level security;
create policy a on public.typed_06 for select using (auth.uid()::text = any (owner));
create policy b on public.typed_06 for delete using (auth.uid()::text = any (owner));
create table public.typed_07 (id uuid primary key, owner text[], mark text, mail text);
alter table public.typed_07 enable row level security;
create policy a on public.typed_07 for select using (owner[1] = auth.uid()::text);
create policy b on public.typed_07 for delete using (owner[1] = auth.uid()::text);
create table public.typed_08 (id uuid primary key, owner jsonb, mark text, mail text);
alter table public.typed_08 enable row level security;
create policy a on public.typed_08 for select using (owner = to_jsonb(auth.uid()));
create policy b on public.typed_08 for delete using (owner = to_jsonb(auth.uid()));
create table public.typed_09 (id uuid primary key, owner jsonb, mark text, mail text);
alter table public.typed_09 enable row level security;
create policy a on public.typed_09 for select using (owner ->> 'id' = auth.uid()::text);
create policy b on public.typed_09 for delete using (owner ->> 'id' = auth.uid()::text);
create table public.typed_10 (id uuid primary key, owner jsonb, mark text, mail text);
alter table public.typed_10 enable row level security;
create policy a on public.typed_10 for select using (owner ? auth.uid()::text);
create policy b on public.typed_10 for delete using (owner ? auth.uid()::text);
create table public.typed_11 (id uuid primary key, owner jsonb, mark text, mail text);
alter table public.typed_11 enable row level security;
create policy a on public.typed_11 for select using (owner @> to_jsonb(auth.uid()::text));
create policy b on public.typed_11 for delete using (owner @> to_jsonb(auth.uid()::text));
create table public.typed_12 (id uuid primary key, owner bytea, mark text, mail text);
alter table public.typed_12 enable row level security;
create policy a on public.typed_12 for select using (owner = uuid_send(auth.uid()));
create policy b on public.typed_12 for delete using (owner = uuid_send(auth.uid()));
create table public.typed_13 (id uuid primary key, owner name, mark text, mail text);
alter table public.typed_13 enable row level security;
create policy a on public.typed_13 for select using (owner = auth.uid()::text);
create policy b on public.typed_13 for delete using (owner = auth.uid()::text);
create table public.typed_14 (id uuid primary key, owner text, mark text, mail text);
alter table public.typed_14 enable row level security;
create policy a on public.typed_14 for select using (mail = auth.email());
create policy b on public.typed_14 for delete using (mail = auth.email());
create table public.typed_15 (id uuid primary key, owner text, mark text, mail text);
alter table public.typed_15 enable row level security;
create policy a on public.typed_15 for select using (mail = (auth.jwt() ->> 'email'));
create policy b on public.typed_15 for delete using (mail = (auth.jwt() ->> 'email'));
create table public.typed_16 (id uuid primary key, owner text, mark text, mail text);
alter table public.typed_16 enable row level security;
create policy a on public.typed_16 for select using (lower(mail) = lower(auth.jwt() ->> 'email'));
create policy b on public.typed_16 for delete using (lower(mail) = lower(auth.jwt() ->> 'email'));
create table public.typed_17 (id uuid primary key, owner text, mark text, mail text);
alter table public.typed_17 enable row level security;
create policy a on public.typed_17 for select using (split_part(mail, '@', 2) = split_part(auth.email(), '@', 2));
create policy b on public.typed_17 for delete using (split_part(mail, '@', 2) = split_part(auth.email(), '@', 2));
create table public.typed_18 (id uuid primary key, owner text, mark text, mail text);
alter table public.typed_18 enable row level security;
create policy a on public.typed_18 for select using (owner = coalesce(auth.uid()::text, owner));
create policy b on public.typed_18 for delete using (owner = coalesce(auth.uid()::text, owner));
create table public.typed_19 (id uuid primary key, owner text, mark text, mail text);
alter table public.typed_19 enable row level security;
create policy a on public.typed_19 for select using (concat(owner, '') = concat(auth.uid()::text, ''));
create policy b on public.typed_19 for delete using (concat(owner, '') = concat(auth.uid()::text, ''));
create table public.typed_20 (id uuid primary key, owner text, mark text, mail text);
alter table public.typed_20 enable row level security;
create policy a on public.typed_20 for select using (owner || '' = auth.uid() || '');
create policy b on public.typed_20 for delete using (owner || '' = auth.uid() || '');
create table public.typed_21 (id uuid primary key, owner text, mark text, mail text);
alter table public.typed_21 enable row level security;
create policy a on public.typed_21 for select using (format('%s', owner) = format('%s', auth.uid()));
create policy b on public.typed_21 for delete using (format('%s', owner) = format('%s', auth.uid()));
create table public.typed_22 (id uuid primary key, owner text, mark text, mail text);
alter table public.typed_22 enable row level security;
create policy a on public.typed_22 for select using (owner is not distinct from auth.uid()::text);
create policy b on public.typed_22 for delete using (owner is not distinct from auth.uid()::text);
create table public.typed_23 (id uuid primary key, owner int, mark text, mail text);
alter table public.typed_23 enable row level security;
create policy a on public.typed_23 for select using (owner = hashtext(auth.uid()::text));
create policy b on public.typed_23 for delete using (owner = hashtext(auth.uid()::text));
create table public.typed_24 (id uuid primary key, owner boolean, mark text, mail text);
alter table public.typed_24 enable row level security;
create policy a on public.typed_24 for select using (owner = (auth.uid() is not null));
create policy b on public.typed_24 for delete using (owner = (auth.uid() is not null));
create table public.typed_25 (id uuid primary key, owner timestamptz, mark text, mail text);
alter table public.typed_25 enable row level security;
create policy a on public.typed_25 for select using (owner <= now());
create policy b on public.typed_25 for delete using (owner <= now());
create table public.typed_26 (id uuid primary key, owner uuid, mark text, mail text);
alter table public.typed_26 enable row level security;
create policy a on public.typed_26 for select using (owner <= auth.uid());
create policy b on public.typed_26 for delete using (owner <= auth.uid());
create table public.typed_27 (id uuid primary key, owner uuid, mark text, mail text);
alter table public.typed_27 enable row level security;
create policy a on public.typed_27 for select using (owner::text ~ auth.uid()::text);
create policy b on public.typed_27 for delete using (owner::text ~ auth.uid()::text);
create table public.typed_28 (id uuid primary key, owner uuid, mark text, mail text);
alter table public.typed_28 enable row level security;
create policy a on public.typed_28 for select using (substr(owner::text, 1, 4) = substr(auth.uid()::text, 1, 4));
create policy b on public.typed_28 for delete using (substr(owner::text, 1, 4) = substr(auth.uid()::text, 1, 4));
create table public.typed_29 (id uuid primary key, owner uuid, mark text, mail text);
alter table public.typed_29 enable row level security;
create policy a on public.typed_29 for select using (owner = (auth.jwt() ->> 'sub')::uuid and auth.role() = 'authenticated');
create policy b on public.typed_29 for delete using (owner = (auth.jwt() ->> 'sub')::uuid and auth.role() = 'authenticated');
create table public.typed_30 (id uuid primary key, owner uuid, mark text, mail text);
alter table public.typed_30 enable row level security;
create policy a on public.typed_30 for select using (owner = (current_setting('request.jwt.claims', true)::jsonb ->> 'sub')::uuid);
create policy b on public.typed_30 for delete using (owner = (current_setting('request.jwt.claims', true)::jsonb ->> 'sub')::uuid);
create table public.typed_31 (id uuid primary key, owner uuid, mark text, mail text);
alter table public.typed_31 enable row level security;
create policy a on public.typed_31 for select using (owner = nullif(current_setting('request.jwt.claim.sub', true), '')::uuid);
create policy b on public.typed_31 for delete using (owner = nullif(current_setting('request.jwt.claim.sub', true), '')::uuid);
create table public.typed_32 (id uuid primary key, owner uuid, mark text, mail text);
alter table public.typed_32 enable row level security;
create policy a on public.typed_32 for select using (owner = (auth.jwt() -> 'user_metadata' ->> 'id')::uuid);
create policy b on public.typed_32 for delete using (owner = (auth.jwt() -> 'user_metadata' ->> 'id')::uuid);
revoke insert, update on all tables in schema public from anon, authenticated;
-- @seed
insert into public.typed_01 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u::text, format('[y1%s%s]', o, n), case when o = 'c' then null else o || '@example.com' end
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 2) n;
insert into public.typed_02 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u::text, format('[y2%s%s]', o, n), case when o = 'c' then null else o || '@example.com' end
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 2) n;
insert into public.typed_03 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u::text, format('[y3%s%s]', o, n), case when o = 'c' then null else o || '@example.com' end
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 2) n;
insert into public.typed_04 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, upper(u::text), format('[y4%s%s]', o, n), case when o = 'c' then null else o || '@example.com' end
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 2) n;
insert into public.typed_05 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u::text, format('[y5%s%s]', o, n), case when o = 'c' then null else o || '@example.com' end
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 2) n;
insert into public.typed_06 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, array[u::text], format('[y6%s%s]', o, n), case when o = 'c' then null else o || '@example.com' end
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 2) n;
insert into public.typed_07 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, array[u::text], format('[y7%s%s]', o, n), case when o = 'c' then null else o || '@example.com' end
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 2) n;
insert into public.typed_08 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, to_jsonb(u), format('[y8%s%s]', o, n), case when o = 'c' then null else o || '@example.com' end
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 2) n;
insert into public.typed_09 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, jsonb_build_object('id', u), format('[y9%s%s]', o, n), case when o = 'c' then null else o || '@example.com' end
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 2) n;
insert into public.typed_10 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, jsonb_build_array(u), format('[y10%s%s]', o, n), case when o = 'c' then null else o || '@example.com' end
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 2) n;
insert into public.typed_11 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, jsonb_build_array(u), format('[y11%s%s]', o, n), case when o = 'c' then null else o || '@example.com' end
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 2) n;
insert into public.typed_12 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, uuid_send(u), format('[y12%s%s]', o, n), case when o = 'c' then null else o || '@example.com' end
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 2) n;
insert into public.typed_13 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u::text, format('[y13%s%s]', o, n), case when o = 'c' then null else o || '@example.com' end
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 2) n;
insert into public.typed_14 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, o, format('[y14%s%s]', o, n), case when o = 'c' then null else o || '@example.com' end
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 2) n;
insert into public.typed_15 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, o, format('[y15%s%s]', o, n), case when o = 'c' then null else o || '@example.com' end
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 2) n;
insert into public.typed_16 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, o, format('[y16%s%s]', o, n), case when o = 'c' then null else o || '@example.com' end
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 2) n;
insert into public.typed_17 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, o, format('[y17%s%s]', o, n), case when o = 'c' then null else o || '@example.com' end
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 2) n;
insert into public.typed_18 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u::text, format('[y18%s%s]', o, n), case when o = 'c' then null else o || '@example.com' end
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 2) n;
insert into public.typed_19 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u::text, format('[y19%s%s]', o, n), case when o = 'c' then null else o || '@example.com' end
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 2) n;
insert into public.typed_20 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u::text, format('[y20%s%s]', o, n), case when o = 'c' then null else o || '@example.com' end
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 2) n;
insert into public.typed_21 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u::text, format('[y21%s%s]', o, n), case when o = 'c' then null else o || '@example.com' end
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 2) n;
insert into public.typed_22 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u::text, format('[y22%s%s]', o, n), case when o = 'c' then null else o || '@example.com' end
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 2) n;
insert into public.typed_23 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, hashtext(u::text), format('[y23%s%s]', o, n), case when o = 'c' then null else o || '@example.com' end
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 2) n;
insert into public.typed_24 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u is not null, format('[y24%s%s]', o, n), case when o = 'c' then null else o || '@example.com' end
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 2) n;
insert into public.typed_25 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, now() + (n - 1.5) * interval '2 days', format('[y25%s%s]', o, n), case when o = 'c' then null else o || '@example.com' end
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 2) n;
insert into public.typed_26 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u, format('[y26%s%s]', o, n), case when o = 'c' then null else o || '@example.com' end
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 2) n;
insert into public.typed_27 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u, format('[y27%s%s]', o, n), case when o = 'c' then null else o || '@example.com' end
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 2) n;
insert into public.typed_28 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u, format('[y28%s%s]', o, n), case when o = 'c' then null else o || '@example.com' end
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 2) n;
insert into public.typed_29 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u, format('[y29%s%s]', o, n), case when o = 'c' then null else o || '@example.com' end
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 2) n;
insert into public.typed_30 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u, format('[y30%s%s]', o, n), case when o = 'c' then null else o || '@example.com' end
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 2) n;
insert into public.typed_31 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u, format('[y31%s%s]', o, n), case when o = 'c' then null else o || '@example.com' end
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 2) n;
insert into public.typed_32 select format('%s-0000-4000-8000-1000000000%s0', repeat(o, 8), n)::uuid, u, format('[y32%s%s]', o, n), case when o = 'c' then null else o || '@example.com' end
  from (select o, case o when 'c' then null else format('%s-0000-4000-8000-000000000001', repeat(o, 8))::uuid end as u from unnest(array['a', 'b', 'c']) o) p, generate_series(1, 2) n;
-- @claims
{"email": "a@example.com"}
{"user_metadata": {"id": "bbbbbbbb-0000-4000-8000-000000000001"}}
