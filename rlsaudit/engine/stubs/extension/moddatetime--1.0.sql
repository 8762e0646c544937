-- rlsaudit stub of moddatetime: writes the time into the column that the trigger names.

create function moddatetime() returns trigger language plpgsql as $$
begin
  if tg_nargs <> 1 or tg_op <> 'UPDATE' then
    raise exception 'moddatetime: a trigger before update, with the name of one column';
  end if;
  return jsonb_populate_record(new, jsonb_build_object(tg_argv[0], now()));
end
$$;
