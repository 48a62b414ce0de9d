-- Walls around what is paid back another way, and around decisions on refunds made outside.
-- The first wall is reconciler/books/refund_routes.py. May be run any number of times.

create or replace function refund_route_wall() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' and (new.route, new.method, new.routed_by)
     is distinct from (old.route, old.method, old.routed_by) then
    raise exception 'the way that refund leg % is paid back never changes', old.id
      using errcode = 'check_violation', constraint = 'refund_leg_keeps_its_route';
  end if;
  if new.route = 'rail' then
    if new.status in ('submitted', 'unknown') and exists (
        select 1 from refund where id = new.refund_id and method = 'hand') then
      raise exception 'refund % was asked to go by hand and is never sent', new.refund_id
        using errcode = 'check_violation', constraint = 'another_way_is_never_sent';
    end if;
    return new;
  end if;
  if tg_op = 'INSERT' and not exists (
      select 1 from refund_leg where refund_id = new.refund_id and replaced_by = new.reference
        and payment_id = new.payment_id and status in ('failed', 'canceled'))
     -- or it was asked for so from the start, and no rail was ever sent anything of it
     and not exists (select 1 from refund where id = new.refund_id and method = 'hand'
        and new.route = 'hand' and not refund_was_sent(id)) then
    raise exception 'refund leg % would be paid another way while the rail may still pay', new.id
      using errcode = 'check_violation', constraint = 'a_leg_is_closed_before_another_way';
  end if;
  if new.status in ('approved', 'submitted', 'unknown', 'pending', 'requires_action') then
    raise exception 'refund leg % is paid back by people and is never sent', new.id
      using errcode = 'check_violation', constraint = 'another_way_is_never_sent';
  end if;
  return new;
end $$;

-- Beside refund_leg_wall, which runs first: triggers of one kind run in the order of their names.
create or replace trigger refund_route_wall before insert or update on refund_leg
  for each row execute function refund_route_wall();

create or replace function refund_decision_wall() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' or old.closed_at is not null or new.closed_at is null
     or (new.payment_id, new.rail_refund_id, new.place, new.target_id, new.amount, new.treatment,
         new.cause_kind, new.cause_id, new.created_at)
        is distinct from (old.payment_id, old.rail_refund_id, old.place, old.target_id, old.amount,
         old.treatment, old.cause_kind, old.cause_id, old.created_at) then
    raise exception 'a decision is closed once, and never changed or removed'
      using errcode = 'check_violation', constraint = 'a_decision_is_only_closed';
  end if;
  return new;
end $$;

create or replace trigger refund_decision_wall before update or delete on refund_decision
  for each row execute function refund_decision_wall();
