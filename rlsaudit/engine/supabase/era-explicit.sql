-- Era explicit: what `postgres` creates in public is not handed to the API roles any more. Runs as superuser.
--
-- Tables lose the four verbs and keep TRUNCATE, REFERENCES, TRIGGER (and MAINTAIN). Sequences lose USAGE and SELECT and
-- keep UPDATE, by which setval and nextval still work. Functions lose the direct EXECUTE, yet stay callable: PUBLIC's
-- EXECUTE is built in and cannot be revoked per schema. supabase_admin's defaults, and other schemas', stay.
alter default privileges for role postgres in schema public
  revoke select, insert, update, delete on tables from anon, authenticated, service_role;
alter default privileges for role postgres in schema public
  revoke usage, select on sequences from anon, authenticated, service_role;
alter default privileges for role postgres in schema public
  revoke execute on functions from anon, authenticated, service_role;
