-- What the rows of a file said stays as it was, like words of the audit trail. Tried out in
-- tests/services/test_imported_rows.py.
create trigger append_only before update or truncate on imported_row
  for each statement execute function append_only();

-- They may be taken away, if a line says that the words of their import were.
create or replace function imported_rows_are_erased_openly() returns trigger language plpgsql as $$
begin
  if not exists (
    select 1 from audit_line i join audit_line e on e.subject = i.seq::text
    where i.subject = old.import_id and i.action = 'file.imported'
      and e.action = 'audit_line.erased'
  ) then
    raise exception 'rows of import % go only with a line that says so', old.import_id
      using errcode = 'check_violation', constraint = 'imported_rows_are_erased_openly';
  end if;
  return null;
end $$;

-- At commit, because the line that says so is the last thing that a transaction writes.
create constraint trigger imported_rows_are_erased_openly after delete on imported_row
  deferrable initially deferred for each row execute function imported_rows_are_erased_openly();
