-- The walls around the audit trail. Each is tried out in tests/services/test_audit.py.

-- Lines are written one after the other, and stay.
create or replace function audit_line_follows() returns trigger language plpgsql as $$
begin
  if new.seq <> (select coalesce(max(seq), 0) + 1 from audit_line) then
    raise exception 'audit line % does not follow the last one', new.seq
      using errcode = 'check_violation', constraint = 'audit_line_follows';
  end if;
  return new;
end $$;

create or replace trigger audit_line_follows before insert on audit_line
  for each row execute function audit_line_follows();
create or replace trigger append_only before update or delete or truncate on audit_line
  for each statement execute function append_only();

-- What was said about a line never changes. It may be taken away, if a line says that it was.
create or replace trigger append_only before update or truncate on audit_words
  for each statement execute function append_only();

create or replace function audit_words_are_erased_openly() returns trigger language plpgsql as $$
begin
  if not exists (
    select 1 from audit_line
    where action = 'audit_line.erased' and subject = old.seq::text and seq > old.seq
  ) then
    raise exception 'the words of audit line % go only with a line that says so', old.seq
      using errcode = 'check_violation', constraint = 'audit_words_are_erased_openly';
  end if;
  return null;
end $$;

-- At commit, because the line that says so is the last thing that a transaction writes.
create constraint trigger audit_words_are_erased_openly after delete on audit_words
  deferrable initially deferred for each row execute function audit_words_are_erased_openly();
