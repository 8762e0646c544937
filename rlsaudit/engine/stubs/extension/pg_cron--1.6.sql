-- rlsaudit stub of pg_cron: jobs are rows, nobody runs them.

create schema cron;

create table cron.job (
  jobid bigserial primary key,
  schedule text not null,
  command text not null,
  nodename text not null default 'localhost',
  nodeport integer not null default 5432,
  database text not null default current_database(),
  username text not null default current_user,
  active boolean not null default true,
  jobname text,
  unique (jobname, username)
);
alter table cron.job enable row level security;
create policy cron_job_policy on cron.job using (username = current_user);
grant select on cron.job to public;

create table cron.job_run_details (
  jobid bigint,
  runid bigserial primary key,
  job_pid integer,
  database text,
  username text,
  command text,
  status text,
  return_message text,
  start_time timestamptz,
  end_time timestamptz
);
alter table cron.job_run_details enable row level security;
create policy cron_job_run_details_policy on cron.job_run_details using (username = current_user);
grant select, delete on cron.job_run_details to public;

-- The real functions are C and write as superuser for whoever asks; these are definers, which need the asker's name.
create function cron.asker() returns text language sql stable
  return coalesce(nullif(current_setting('role'), 'none'), session_user::text);

create function cron.schedule_in_database(
  job_name text, schedule text, command text, database text, username text default null, active boolean default true
) returns bigint language sql volatile security definer set search_path = '' as $$
  insert into cron.job (jobname, schedule, command, database, username, active)
  values (job_name, schedule, command, database, coalesce(username, cron.asker()), active)
  on conflict (jobname, username) do update
  set schedule = excluded.schedule, command = excluded.command, database = excluded.database, active = excluded.active
  returning jobid
$$;
create function cron.schedule(job_name text, schedule text, command text) returns bigint
language sql volatile security definer set search_path = '' as $$
  select cron.schedule_in_database(job_name, schedule, command, current_database())
$$;
create function cron.schedule(schedule text, command text) returns bigint
language sql volatile security definer set search_path = '' as $$
  select cron.schedule_in_database(null, schedule, command, current_database())
$$;
create function cron.unschedule(job_id bigint) returns boolean
language plpgsql volatile security definer set search_path = '' as $$
begin
  delete from cron.job where jobid = job_id and username = cron.asker();
  if not found then
    raise exception 'could not find valid entry for job %', job_id;
  end if;
  return true;
end
$$;
create function cron.unschedule(job_name text) returns boolean
language plpgsql volatile security definer set search_path = '' as $$
begin
  delete from cron.job where jobname = job_name and username = cron.asker();
  if not found then
    raise exception 'could not find valid entry for job %', quote_literal(job_name);
  end if;
  return true;
end
$$;
create function cron.alter_job(
  job_id bigint, schedule text default null, command text default null,
  database text default null, username text default null, active boolean default null
) returns void language sql volatile security definer set search_path = '' as $$
  update cron.job as j
  set schedule = coalesce($2, j.schedule), command = coalesce($3, j.command), database = coalesce($4, j.database),
      username = coalesce($5, j.username), active = coalesce($6, j.active)
  where j.jobid = $1
$$;

-- Running something as somebody else is not for everybody. On Supabase `postgres` may, and reads the jobs.
revoke all on function
  cron.schedule_in_database(text, text, text, text, text, boolean),
  cron.alter_job(bigint, text, text, text, text, boolean) from public;
do $supabase$
begin
  if to_regrole('postgres') is not null then
    grant usage on schema cron to postgres with grant option;
    grant all on all tables in schema cron to postgres with grant option;
    grant all on all functions in schema cron to postgres with grant option;
    revoke all on cron.job from postgres;
    grant select on cron.job to postgres with grant option;
  end if;
end
$supabase$;
