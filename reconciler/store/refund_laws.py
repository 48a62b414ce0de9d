"""The laws about refunds as they are watched while refunds are sent.

Each says the same as its namesake in invariants.py, which takes it from here where it is the very
same. Where it is not, the one here reads what refunds there are instead of all payments: their
legs, and the references that rails have shown. `reconciler verify` reads the facts.
"""

_UNDER_WAY = "('approved', 'submitted', 'unknown')"
_AT_THE_RAIL = "('pending', 'requires_action', 'succeeded')"
_IS_SHOWN = """exists (select 1 from jsonb_each(coalesce(q.facts -> 'refunds', '{}')) r
    where r.value ->> 'reference' = l.reference)"""
# Sent once, it is asked about at the rail until that is settled, and the rail takes it or not.
_WAS_SENT = "(l.status in ('submitted', 'unknown') or l.unsettled_since is not null)"


def within_what_was_captured(*, everywhere: bool) -> str:
    """The law about how much goes back, of payments that something is on its way from, or of all.

    What we approved and did not send has to find room beside all that went back. What was sent
    counts beside ours alone: where somebody took the money in the rail's dashboard meanwhile, the
    rail has refused ours, or will, and that is found by asking; WAITING lists it until then.
    """
    only, join = "", "left join"
    if not everywhere:  # of the others the table itself refuses it
        only = (
            f"l.payment_id in (select payment_id from refund_leg where status in {_UNDER_WAY}) and"
        )
        join = "join"
    return f"""
        select format('payment %s: refunded %s and on their way %s, of %s captured and %s lost',
          p.id, p.refunded, coalesce(l.approved, 0), p.captured, p.lost)
        from payment p {join} (
          select l.payment_id, sum(l.amount) as ours,
            coalesce(sum(l.amount) filter (where l.status = 'approved' and not {_WAS_SENT}
              and not {_IS_SHOWN}), 0) as approved
          from refund_leg l join payment q on q.id = l.payment_id
          where {only} l.route = 'rail' and l.replaced_by is null
            and (l.status in {_UNDER_WAY} or l.status in {_AT_THE_RAIL})
          group by 1) l on p.id = l.payment_id
        where p.refunded + p.lost + coalesce(l.approved, 0) > p.captured
          or coalesce(l.ours, 0) > p.captured"""


WAITING = f"""
    select format('payment %s: %s was sent and is not answered, beside %s that went back, of %s'
      ' captured and %s lost: the rail is asked which it took',
      p.id, l.sent, p.refunded, p.captured, p.lost)
    from (
      select l.payment_id, sum(l.amount) as sent
      from refund_leg l join payment q on q.id = l.payment_id
      where l.status in {_UNDER_WAY} and {_WAS_SENT} and l.route = 'rail'
        and l.replaced_by is null and not {_IS_SHOWN}
      group by 1) l
    join payment p on p.id = l.payment_id
    where p.refunded + p.lost + l.sent > p.captured order by 1"""

QUERIES: dict[str, str] = {
    "refunds_stay_within_what_was_captured": within_what_was_captured(everywhere=False),
    "one_refund_asked_for_is_one_on_the_rail": """
        select format('reference %s is on %s refunds: %s', o.reference, count(*),
          string_agg(o.object_id, ', ' order by o.object_id))
        from rail_object o where o.reference is not null
        group by o.reference having count(*) > 1""",
    "refunds_go_back_where_the_money_came_from": """
        select format('leg %s of payment %s was refunded on payment %s', l.id, l.payment_id,
          o.payment_id)
        from rail_object o
        join refund_leg l on l.reference = o.reference and l.payment_id <> o.payment_id
        where o.reference is not null""",
    "refund_legs_add_up": """
        select format('refund %s asks for %s, its legs for %s', r.id, r.amount, sum(l.amount))
        from refund r join refund_leg l on l.refund_id = r.id
        where l.replaced_by is null
        group by r.id, r.amount having sum(l.amount) <> r.amount""",
    "another_way_has_a_closed_rail_and_two_people": """
        select format('leg %s goes by %s: before it %s, chosen by %s, settled by %s', l.id, l.route,
          coalesce(o.status, 'nothing'), l.routed_by, l.settled_by)
        from refund_leg l join refund r on r.id = l.refund_id left join refund_leg o
          on o.refund_id = l.refund_id and o.replaced_by = l.reference
        where l.route <> 'rail' and l.replaced_by is null
          and ((coalesce(o.status, '') not in ('failed', 'canceled', 'succeeded')
              and r.method <> 'hand')
          or (l.route = 'hand' and l.settled_by = l.routed_by)
          or (l.status = 'succeeded' and l.settled_by is null))""",
    "what_is_asked_by_hand_goes_by_no_rail": """
        select format('refund %s was asked to go by hand, and leg %s goes by %s, sent %s times',
          r.id, l.id, p.rail, coalesce(sum(t.sends), 0))
        from refund r join refund_leg l on l.refund_id = r.id
          join payment p on p.id = l.payment_id left join refund_attempt t on t.leg_id = l.id
        where r.method = 'hand' and p.rail <> 'manual'
          and (t.first_sent_at is not null or (l.route = 'rail' and l.replaced_by is null))
        group by r.id, l.id, p.rail""",
    "refunds_under_way_are_what_was_approved": f"""
        select format('refund %s is %s, and what it asks for is not what was approved', id, status)
        from refund where status in {_UNDER_WAY}
          and approved_terms is distinct from refund_terms(id)""",
}
