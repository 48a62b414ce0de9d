-- The second wall around refunds. The first is reconciler/books/refunds.py, which says the same;
-- tests/services/test_refunds_walls.py compares the two. May be run any number of times.

create or replace function refund_leg_may_become(before text, after text) returns boolean
language sql immutable as $$
  select (before, after) in (
    ('requested', 'approved'), ('requested', 'rejected'), ('requested', 'canceled'),
    ('requested', 'manual'),
    ('approved', 'submitted'), ('approved', 'unknown'), ('approved', 'failed'),
    ('approved', 'canceled'), ('approved', 'manual'), ('approved', 'requested'),
    ('submitted', 'unknown'), ('submitted', 'failed'), ('submitted', 'manual'),
    ('unknown', 'submitted'), ('unknown', 'failed'), ('unknown', 'manual'),
    ('manual', 'requested'), ('manual', 'canceled'))
$$;

-- What a refund may do beyond that, because it speaks for several legs, some of them new ones.
create or replace function refund_may_become(before text, after text) returns boolean
language sql immutable as $$
  select refund_leg_may_become(before, after) or (before, after) in (
    ('requested', 'submitted'), ('requested', 'unknown'), ('requested', 'failed'),
    ('submitted', 'canceled'), ('unknown', 'canceled'),
    ('failed', 'requested'), ('failed', 'approved'), ('failed', 'submitted'), ('failed', 'manual'),
    ('manual', 'approved'), ('manual', 'submitted'), ('manual', 'unknown'),
    ('manual', 'failed'))
$$;

create or replace function refund_is_a_rails_word(status text) returns boolean
language sql immutable as $$
  select status in ('pending', 'requires_action', 'succeeded', 'failed', 'canceled')
$$;

-- All that an approval binds, as one short text: Terms.digest in reconciler/books/consent.py.
-- `method` is read past the column's name: the first books are made before there is one.
create or replace function refund_terms(wanted text) returns text
language sql stable as $$
  select encode(sha256(convert_to(concat_ws(E'\n',
    concat_ws(' ', r.id, coalesce(r.payment_id, r.invoice_id, r.deposit_id), r.amount, r.currency,
      r.treatment, r.reason, nullif(to_jsonb(r) ->> 'method', 'rail')),
    (select string_agg(part, E'\n' order by part collate "C") from (
      select concat_ws(' ', l.payment_id, coalesce(l.target_id, '-'), l.amount) as part
      from refund_leg l where l.refund_id = r.id and l.replaced_by is null) as parts)
  ), 'UTF8')), 'hex')
  from refund r where r.id = wanted
$$;

create or replace function refund_was_sent(wanted text) returns boolean
language sql stable as $$
  select exists (select 1 from refund_leg l join refund_attempt t on t.leg_id = l.id
    where l.refund_id = wanted and t.first_sent_at is not null)
$$;

create or replace function refund_leg_wall() returns trigger language plpgsql as $$
declare
  asked refund%rowtype;
  left_over bigint;
begin
  if tg_op = 'INSERT' and new.status <> 'requested' then
    raise exception 'a refund leg begins as requested, not as %', new.status
      using errcode = 'check_violation', constraint = 'refund_leg_begins_as_requested';
  end if;
  if tg_op = 'UPDATE' then
    if (new.refund_id, new.payment_id, new.amount, new.reference)
       is distinct from (old.refund_id, old.payment_id, old.amount, old.reference) then
      raise exception 'what refund leg % is for never changes', old.id
        using errcode = 'check_violation', constraint = 'refund_leg_stays_what_it_is';
    end if;
    if old.rail_refund_id is not null and new.rail_refund_id is null
       or old.unsettled_since is not null and new.unsettled_since is null
       or new.generation < old.generation then
      raise exception 'what refund leg % has been through is not forgotten', old.id
        using errcode = 'check_violation', constraint = 'refund_leg_forgets_nothing';
    end if;
    if new.status = old.status then
      return new;
    end if;
    if not refund_leg_may_become(old.status, new.status)
       and not (new.rail_refund_id is not null and refund_is_a_rails_word(new.status)) then
      raise exception 'refund leg % does not go from % to %', old.id, old.status, new.status
        using errcode = 'check_violation', constraint = 'refund_leg_goes_its_way';
    end if;
    if (old.status, new.status) = ('approved', 'requested') and exists (
       select 1 from refund_attempt where leg_id = new.id and first_sent_at is not null) then
      raise exception 'refund leg % was sent', old.id
        using errcode = 'check_violation', constraint = 'what_was_sent_is_not_asked_again';
    end if;
  end if;
  if tg_op = 'UPDATE' and new.status = 'submitted' then
    select * into asked from refund where id = new.refund_id;
    if asked.approved_at is null
       or (asked.needs_second_person and asked.approved_by is null) then
      raise exception 'refund % is not approved', asked.id
        using errcode = 'check_violation', constraint = 'nothing_is_sent_before_its_approval';
    end if;
    if asked.approved_terms is distinct from refund_terms(asked.id) then
      raise exception 'refund % is not what was approved', asked.id
        using errcode = 'check_violation', constraint = 'what_is_sent_is_what_was_approved';
    end if;
  end if;
  if tg_op = 'INSERT' or new.status = 'submitted' then
    -- The payment is locked by whoever gets here; without that lock two could pass at once.
    select p.captured - p.refunded - p.lost - coalesce(sum(l.amount), 0) into left_over
      from payment p
      left join refund_leg l on l.payment_id = p.id and l.id <> new.id
        and l.replaced_by is null and l.rail_refund_id is null
        and l.status in ('requested', 'approved', 'submitted', 'unknown', 'manual')
      where p.id = new.payment_id
      group by p.id;
    if left_over < new.amount then
      raise exception 'payment % has % left to refund, not %',
        new.payment_id, left_over, new.amount
        using errcode = 'check_violation', constraint = 'no_more_is_refunded_than_was_captured';
    end if;
  end if;
  return new;
end $$;

create or replace trigger refund_leg_wall before insert or update on refund_leg
  for each row execute function refund_leg_wall();

-- The hours are those of reconciler/books/refund_sending.py, which says why.
create or replace function refund_attempt_wall() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    if new.sends > 0 or num_nonnulls(new.first_sent_at, new.last_sent_at) > 0 then
      raise exception 'the key of attempt % was not used yet', new.id
        using errcode = 'check_violation', constraint = 'refund_attempt_begins_unsent';
    end if;
    return new;
  end if;
  if (new.leg_id, new.generation, new.key) is distinct from (old.leg_id, old.generation, old.key)
     or old.first_sent_at is not null and new.first_sent_at is distinct from old.first_sent_at
     or new.sends < old.sends then
    raise exception 'when the key of attempt % was first used, and for what, never changes', old.id
      using errcode = 'check_violation', constraint = 'refund_attempt_stays_what_it_is';
  end if;
  if new.sends > old.sends and new.last_sent_at > new.first_sent_at + interval '20 hours' then
    raise exception 'the rail may have forgotten the key of attempt %', old.id
      using errcode = 'check_violation', constraint = 'a_key_is_used_for_twenty_hours';
  end if;
  if new.sends > old.sends and old.first_sent_at is null and new.generation > 1 and not exists (
     select 1 from refund_attempt where leg_id = new.leg_id and generation = new.generation - 1
       and first_sent_at <= new.first_sent_at - interval '25 hours') then
    raise exception 'the rail may still know the key before that of attempt %', old.id
      using errcode = 'check_violation', constraint = 'a_new_key_waits_for_the_old_to_be_forgotten';
  end if;
  return new;
end $$;

create or replace trigger refund_attempt_wall before insert or update on refund_attempt
  for each row execute function refund_attempt_wall();

create or replace function refund_wall() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    if new.status <> 'requested'
       or num_nonnulls(new.approved_by, new.approved_at, new.approved_terms) > 0 then
      raise exception 'a refund begins as requested, with no approval, not as %', new.status
        using errcode = 'check_violation', constraint = 'refund_begins_as_requested';
    end if;
    return new;
  end if;
  if (new.currency, new.requested_by, new.requested_at)
     is distinct from (old.currency, old.requested_by, old.requested_at)
     or not new.edited_by @> old.edited_by then
    raise exception 'who asked for refund %, when and in what currency never changes', old.id
      using errcode = 'check_violation', constraint = 'refund_stays_what_it_is';
  end if;
  if (new.payment_id, new.invoice_id, new.deposit_id, new.amount, new.treatment, new.reason,
      new.note, new.needs_second_person, new.method)
     is distinct from (old.payment_id, old.invoice_id, old.deposit_id, old.amount, old.treatment,
      old.reason, old.note, old.needs_second_person, old.method)
     and not (old.status in ('requested', 'approved') and new.status = 'requested'
       and num_nonnulls(new.approved_by, new.approved_at, new.approved_terms) = 0
       and not refund_was_sent(old.id)) then
    raise exception 'what refund % asks for changes only before it is sent, unapproved', old.id
      using errcode = 'check_violation', constraint = 'a_change_voids_the_approval';
  end if;
  if new.status <> old.status
     and not refund_may_become(old.status, new.status)
     and not exists (
       select 1 from refund_leg where refund_id = new.id and rail_refund_id is not null) then
    raise exception 'refund % does not go from % to %', old.id, old.status, new.status
      using errcode = 'check_violation', constraint = 'refund_goes_its_way';
  end if;
  return new;
end $$;

create or replace trigger refund_wall before insert or update on refund
  for each row execute function refund_wall();

create or replace function refund_never_goes() returns trigger language plpgsql as $$
begin
  raise exception '% rows are never deleted, and steps never changed', tg_table_name
    using errcode = 'check_violation', constraint = 'refund_history_stays';
end $$;

create or replace trigger refund_step_stays before update or delete on refund_step
  for each statement execute function refund_never_goes();
create or replace trigger refund_step_is_not_emptied before truncate on refund_step
  for each statement execute function refund_never_goes();
create or replace trigger refund_stays before delete on refund
  for each statement execute function refund_never_goes();
create or replace trigger refund_leg_stays before delete on refund_leg
  for each statement execute function refund_never_goes();
create or replace trigger refund_attempt_stays before delete on refund_attempt
  for each statement execute function refund_never_goes();
