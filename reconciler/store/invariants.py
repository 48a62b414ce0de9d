"""What must be true of the books, each as a query that finds nothing when it is.

Each query gives one line of text for each thing that is wrong. The names are what `reconciler
verify` prints.
"""

from reconciler.store import (
    closing_laws,
    customer_sums,
    ledger,
    ledger_totals,
    movement_sums,
    purchase_laws,
    refund_laws,
    reviews,
    untied,
)

_NET = """select e.payment_id, e.invoice_id, e.deposit_id, a.role, a.currency, p.amount
    from posting p join journal_entry e on e.id = p.entry_id
    join ledger_account a on a.id = p.account_id"""

QUERIES: dict[str, str] = {
    "entries_balance_in_each_currency": """
        select format('entry %s is out by %s %s', e.key, sum(p.amount), a.currency)
        from posting p join journal_entry e on e.id = p.entry_id
        join ledger_account a on a.id = p.account_id
        group by e.key, a.currency having sum(p.amount) <> 0""",
    "entries_have_two_sides": """
        select format('entry %s has %s postings', e.key, count(p.line))
        from journal_entry e left join posting p on p.entry_id = e.id
        group by e.key having count(p.line) < 2""",
    "the_trial_balance_is_zero": """
        select format('debits less credits are %s %s', sum(p.amount), a.currency)
        from posting p join ledger_account a on a.id = p.account_id
        group by a.currency having sum(p.amount) <> 0""",
    "totals_by_day_are_their_postings": ledger_totals.LAW,
    "sums_of_customers_are_their_documents": customer_sums.LAW,
    "sums_of_movements_are_those_of_the_rail": movement_sums.LAW,
    "what_is_not_tied_is_kept": untied.LAW,
    "suspense_is_found_by_its_keys": ledger.LAW,
    "questions_are_as_old_as_what_they_are_about": reviews.LAW,
    "reversals_mirror_what_they_reverse": """
        select format('entry %s does not mirror %s', r.key, r.reverses)
        from journal_entry r left join journal_entry o on o.key = r.reverses
        where r.reverses is not null and (o.id is null or exists (
          select 1 from (select account_id, amount from posting where entry_id = r.id
            union all select account_id, amount from posting where entry_id = o.id) as both_
          group by account_id having sum(amount) <> 0))""",
    "sign_offs_are_what_was_signed": """
        select format('sign-off %s of milestone %s: %s is not the hash of what was signed', s.id,
          s.milestone_id, s.sha256)
        from sign_off s left join attachment a on a.id = s.attachment_id
        where s.sha256 <> coalesce(a.sha256, encode(sha256(convert_to(s.signed, 'UTF8')), 'hex'))
          or a.subject <> s.milestone_id""",
    "every_change_names_its_cause": """
        select format('entry %s names no cause', key) from journal_entry
        where btrim(cause_kind) = '' or btrim(cause_id) = ''""",
    "payments_keep_what_they_did_not_give_away": f"""
        select format('payment %s: captured %s, refunded %s, lost %s, allocated %s, the ledger '
          'holds %s unapplied', p.id, p.captured, p.refunded, p.lost, coalesce(x.allocated, 0),
          coalesce(l.unapplied, 0))
        from payment p
        left join (select payment_id, sum(amount) as allocated from allocation group by 1) x
          on x.payment_id = p.id
        left join (select payment_id, -sum(amount) as unapplied from ({_NET}) n
          where role = 'unapplied_cash' group by 1) l on l.payment_id = p.id
        where p.captured - p.refunded - p.lost - coalesce(x.allocated, 0)
            <> coalesce(l.unapplied, 0)
          or coalesce(l.unapplied, 0) < 0 or p.captured < 0 or p.refunded < 0 or p.lost < 0""",
    "invoices_are_paid_by_their_claims": """
        select format('invoice %s says paid %s, its claims pay %s', i.number, i.paid,
          coalesce(a.amount, 0) + coalesce(u.amount, 0))
        from invoice i
        left join (select invoice_id, sum(amount) as amount from allocation group by 1) a
          on a.invoice_id = i.id
        left join (select invoice_id, sum(amount) as amount from application group by 1) u
          on u.invoice_id = i.id
        where i.paid <> coalesce(a.amount, 0) + coalesce(u.amount, 0)""",
    "invoices_owe_what_the_ledger_says": f"""
        select format('invoice %s: outstanding %s, accounts_receivable %s', i.number,
          case when i.state = 'sent'
            then i.outstanding else 0 end,
          coalesce(l.owed, 0))
        from invoice i left join (select invoice_id, sum(amount) as owed from ({_NET}) n
          where role = 'accounts_receivable' group by 1) l on l.invoice_id = i.id
        where coalesce(l.owed, 0) <> case when i.state = 'sent'
            then i.outstanding else 0 end
          or i.outstanding < 0""",
    "credit_notes_add_up": """
        select format('invoice %s says credited %s, its credit notes say %s', i.number,
          i.credit_notes, coalesce(c.amount, 0))
        from invoice i left join (select n.invoice_id, sum(n.amount) as amount from credit_note n
          where not exists (select 1 from credit_note_taken_back t where t.credit_note_id = n.id)
          group by 1) c on c.invoice_id = i.id
        where i.credit_notes - i.bank_fees <> coalesce(c.amount, 0)""",
    "short_payments_are_booked_as_bank_fees": f"""
        select format('invoice %s bears %s of a bank, it came short by %s, bank_fees hold %s for '
          'it', i.number, i.bank_fees, coalesce(s.amount, 0), coalesce(l.amount, 0))
        from invoice i
        left join (select invoice_id, sum(amount) as amount from short_payment
          where closed_at is null group by 1) s on s.invoice_id = i.id
        left join (select invoice_id, sum(amount) as amount from ({_NET}) n
          where role = 'bank_fees' group by 1) l on l.invoice_id = i.id
        where i.bank_fees <> coalesce(s.amount, 0) or i.bank_fees <> coalesce(l.amount, 0)""",
    "lines_and_tax_add_up": """
        select format('invoice %s: total %s with tax %s, its lines come to %s with tax %s',
          i.number, i.total, i.tax, coalesce(l.amount, 0), coalesce(l.tax, 0))
        from invoice i left join (select invoice_id, sum(net + tax) as amount, sum(tax) as tax
          from invoice_line group by 1) l on l.invoice_id = i.id
        where i.tax <> coalesce(l.tax, 0) or i.total <> coalesce(l.amount, i.total)""",
    "tax_goes_with_what_is_credited": """
        select format('invoice %s: %s of the tax %s are credited with %s of %s; its credit notes '
          'say %s', i.number, i.tax_credited, i.tax,
          i.credit_notes - i.bank_fees + i.refund_credits, i.total, coalesce(c.tax, 0))
        from invoice i left join (select n.invoice_id, sum(n.tax - coalesce(t.tax, 0)) as tax
          from credit_note n left join credit_note_taken_back t on t.credit_note_id = n.id
          group by 1) c on c.invoice_id = i.id
        where i.tax_credited <> div(2 * i.tax::numeric
            * (i.credit_notes - i.bank_fees + i.refund_credits) + i.total, 2 * i.total::numeric)
          or coalesce(c.tax, 0)
            <> div(2 * i.tax::numeric * (i.credit_notes - i.bank_fees) + i.total,
              2 * i.total::numeric)""",
    "tax_is_owed_as_invoices_say": f"""
        select format('invoice %s: tax %s of which %s credited, sales_tax_payable holds %s for it',
          coalesce(i.number, l.invoice_id, 'none'), i.tax, i.tax_credited, coalesce(l.held, 0))
        from invoice i full join (select invoice_id, -sum(amount) as held from ({_NET}) n
          where role = 'sales_tax_payable' group by 1) l on l.invoice_id = i.id
        where coalesce(l.held, 0) <> case when i.state = 'sent'
          then i.tax - i.tax_credited else 0 end""",
    "movements_of_no_payment_are_those_of_the_rail": """
        select format('%s %s: %s %s is not what was told', o.kind, o.object_id, o.amount, o.state)
        from rail_object o where o.payment_id is null and o.kind = 'balance_transaction'
          and not exists (select 1 from balance_movement m where m.rail = o.rail
            and m.account = o.account and m.rail_movement_id = o.object_id
            and m.amount - m.fee = o.amount and m.currency = o.currency)
          and not exists (select 1 from payout p where p.rail = o.rail and p.account = o.account
            and (p.facts -> 'rows' -> o.object_id ->> 'amount')::bigint
              - (p.facts -> 'rows' -> o.object_id ->> 'fee')::bigint = o.amount)""",
    "write_offs_are_booked_as_losses": f"""
        select format('invoice %s says written off %s, chargeback_losses hold %s for it', i.number,
          i.write_offs, coalesce(l.amount, 0))
        from invoice i left join (select invoice_id, sum(amount) as amount from ({_NET}) n
          where role = 'chargeback_losses' group by 1) l on l.invoice_id = i.id
        where i.write_offs <> coalesce(l.amount, 0)""",
    "bank_fees_are_those_of_tied_lines": """
        select format('bank line %s: %s %s went off as a fee, bank_fees hold %s for it',
          coalesce(b.id, l.line), coalesce(b.fee, 0), coalesce(b.currency, l.currency),
          coalesce(l.amount, 0))
        from bank_line b full join (
          select split_part(e.key, '/', 2) as line, a.currency, sum(p.amount) as amount
          from posting p join journal_entry e on e.id = p.entry_id
          join ledger_account a on a.id = p.account_id
          where a.role = 'bank_fees' and e.key like 'bank_line/%' group by 1, 2) l
          on l.line = b.id and l.currency = b.currency
        where coalesce(b.fee, 0) <> coalesce(l.amount, 0)
        union all
        select format('bank line %s shows %s with a fee of %s, and is tied to %s', b.id, b.amount,
          b.fee, t.amount)
        from bank_line b left join (select id, amount from payout
          union all select id, captured from payment where rail = 'manual'
          union all select id, -amount from bill_payment
          union all select id, -amount from prepayment
          union all select id, amount from vendor_refund
          union all select id, -amount from refund_leg) t on t.id = b.target_id
        where b.fee > 0 and b.amount + b.fee is distinct from t.amount""",
    # Refunds reopen and credit as well, so those two are told apart only where there are none.
    "losses_are_taken_back_as_decided": """
        select format('payment %s: written off %s, credited %s, owed again %s; lost with that '
          'decision %s, %s, %s', p.id, a.written_off, a.credited, a.reopened, d.written_off,
          d.credited, d.reopened)
        from payment p
        join (select payment_id, sum(written_off) as written_off, sum(credited) as credited,
            sum(reopened) as reopened from allocation where closed_at is null group by 1) a
          on a.payment_id = p.id
        cross join lateral (select
            coalesce(sum(d.lost) filter (where x.decision = 'write_off'), 0) as written_off,
            coalesce(sum(d.lost) filter (where x.decision = 'credit'), 0) as credited,
            coalesce(sum(d.lost) filter (
              where coalesce(x.decision, 'undecided') in ('undecided', 'chase')), 0) as reopened
          from dispute d left join lateral (select x.decision from dispute_decision x
            where x.payment_id = d.payment_id and x.rail_dispute_id = d.rail_dispute_id
            order by x.seq desc limit 1) x on true
          where d.payment_id = p.id) d
        where a.written_off > d.written_off or (p.refunded = 0
          and (a.credited > d.credited or a.reopened > d.reopened))
        union all
        select format('invoice %s: %s written off, its claims lost %s', i.number, i.write_offs,
          coalesce(c.amount, 0))
        from invoice i left join (select invoice_id, sum(written_off) as amount from (
            select invoice_id, written_off from allocation where closed_at is null
            union all select invoice_id, written_off from application where closed_at is null) w
          group by 1) c on c.invoice_id = i.id
        where i.write_offs > coalesce(c.amount, 0)""",
    "deposits_are_applied_refunded_or_remain": f"""
        select format('deposit %s: received %s, applied %s (forfeited %s), refunded %s, '
          'allocated %s, used %s (kept %s), customer_deposits %s, forfeited_deposits %s', d.code,
          d.received, d.applied, d.forfeited, d.refunded, coalesce(a.amount, 0),
          coalesce(u.amount, 0), coalesce(u.kept, 0), coalesce(l.held, 0), coalesce(l.kept, 0))
        from deposit d
        left join (select deposit_id, sum(amount) as amount from allocation group by 1) a
          on a.deposit_id = d.id
        left join (select deposit_id, sum(amount) as amount,
            sum(amount) filter (where invoice_id is null) as kept from application group by 1) u
          on u.deposit_id = d.id
        left join (select deposit_id,
            -sum(amount) filter (where role = 'customer_deposits') as held,
            -sum(amount) filter (where role = 'forfeited_deposits') as kept from ({_NET}) n
          group by 1) l on l.deposit_id = d.id
        where d.received - d.refunded <> coalesce(a.amount, 0)
          or d.applied <> coalesce(u.amount, 0)
          or d.forfeited <> coalesce(u.kept, 0) or d.forfeited <> coalesce(l.kept, 0)
          or d.received - d.refunded - d.applied <> coalesce(l.held, 0)
          or d.received < d.applied + d.refunded""",
    "receivables_add_up": f"""
        select format('%s: invoices owe %s, accounts_receivable is %s', currency,
          sum(owed), sum(booked))
        from (select currency, outstanding as owed, 0 as booked
          from invoice where state = 'sent'
          union all select currency, 0, amount from ({_NET}) n where role = 'accounts_receivable'
        ) as x group by currency having sum(owed) <> sum(booked)""",
    "deposits_add_up": f"""
        select format('%s: deposits hold %s, customer_deposits is %s', currency,
          sum(held), sum(booked))
        from (select currency, received - applied - refunded as held, 0 as booked from deposit
          union all select currency, 0, -amount from ({_NET}) n where role = 'customer_deposits'
        ) as x group by currency having sum(held) <> sum(booked)""",
    "unapplied_cash_adds_up": f"""
        select format('%s: payments keep %s, unapplied_cash is %s', currency,
          sum(kept), sum(booked))
        from (select currency, captured - refunded - lost as kept, 0 as booked from payment
          where currency is not null
          union all select p.currency, -a.amount, 0 from allocation a
            join payment p on p.id = a.payment_id
          union all select currency, 0, -amount from ({_NET}) n where role = 'unapplied_cash'
        ) as x group by currency having sum(kept) <> sum(booked)""",
    "refunds_stay_within_what_was_captured": refund_laws.within_what_was_captured(everywhere=True),
    "one_refund_asked_for_is_one_on_the_rail": """
        select format('reference %s is on %s refunds: %s', r.value ->> 'reference', count(*),
          string_agg(r.key, ', ' order by r.key))
        from payment p, jsonb_each(coalesce(p.facts -> 'refunds', '{}')) r
        where r.value ->> 'reference' is not null
        group by r.value ->> 'reference' having count(*) > 1""",
    "refunds_go_back_where_the_money_came_from": """
        select format('leg %s of payment %s was refunded on payment %s', l.id, l.payment_id, o.id)
        from (select p.id, r.value ->> 'reference' as reference
          from payment p, jsonb_each(coalesce(p.facts -> 'refunds', '{}')) r
          where r.value ->> 'reference' is not null) o
        join refund_leg l on l.reference = o.reference and l.payment_id <> o.id""",
    "refund_legs_add_up": refund_laws.QUERIES["refund_legs_add_up"],
    "another_way_has_a_closed_rail_and_two_people": refund_laws.QUERIES[
        "another_way_has_a_closed_rail_and_two_people"
    ],
    "decisions_stay_within_their_refund": """
        select format('payment %s: %s decided about refund %s, which is of %s', d.payment_id,
          sum(d.amount), d.rail_refund_id, coalesce(max(r.amount)::text, 'nothing'))
        from refund_decision d left join lateral (
          select (p.facts -> 'refunds' -> d.rail_refund_id ->> 'amount')::bigint as amount
          from payment p where p.id = d.payment_id) r on true
        where d.closed_at is null group by d.payment_id, d.rail_refund_id
        having sum(d.amount) > coalesce(max(r.amount), 0)""",
    "what_is_asked_by_hand_goes_by_no_rail": refund_laws.QUERIES[
        "what_is_asked_by_hand_goes_by_no_rail"
    ],
    "refunds_under_way_are_what_was_approved": refund_laws.QUERIES[
        "refunds_under_way_are_what_was_approved"
    ],
    "money_stays_in_its_currency": """
        select format('allocation %s sets %s against %s', a.id, p.currency,
          coalesce(i.currency, d.currency))
        from allocation a join payment p on p.id = a.payment_id
        left join invoice i on i.id = a.invoice_id left join deposit d on d.id = a.deposit_id
        where a.amount > 0 and p.currency <> coalesce(i.currency, d.currency)""",
    "no_event_is_left_behind": """
        select format('event %s (%s) is behind the horizon and has no outcome', e.seq,
          e.rail_event_id)
        from inbox_event e where e.seq <= (select seq from inbox_horizon)
          and e.quarantine is null
          and not exists (select 1 from inbox_outcome o where o.seq = e.seq)""",
    "movements_of_no_payment_are_booked": """
        select format('movement %s is of %s %s, clearing holds %s of it', m.rail_movement_id,
          m.amount - m.fee, m.currency, coalesce(x.amount, 0))
        from balance_movement m left join (
          select a.rail, split_part(e.key, '/', 3) as movement, a.currency, sum(p.amount) as amount
          from posting p join journal_entry e on e.id = p.entry_id
          join ledger_account a on a.id = p.account_id
          where a.role = 'clearing' and e.payment_id is null and e.payout_id is null
            and split_part(e.key, '/', 2) = 'movement' group by 1, 2, 3) x
          on x.rail = m.rail and x.movement = m.rail_movement_id and x.currency = m.currency
        where coalesce(x.amount, 0)
          <> case when m.balance_type = 'payments' then m.amount - m.fee else 0 end""",
    "clearing_belongs_to_something": """
        select format('entry %s moves clearing for no payment, payout or movement', e.key)
        from posting p join journal_entry e on e.id = p.entry_id
        join ledger_account a on a.id = p.account_id
        where a.role = 'clearing' and e.payment_id is null and e.payout_id is null
          and not exists (select 1 from balance_movement m where m.rail = a.rail
            and split_part(e.key, '/', 2) = 'movement'
            and m.rail_movement_id = split_part(e.key, '/', 3))""",
    "applied_events_name_their_payment": """
        select format('event %s is applied to no payment or payout', o.seq) from inbox_outcome o
        where o.status = 'applied'
          and not exists (select 1 from payment p where p.id = o.payment_id)
          and not exists (select 1 from payout p where p.id = o.payout_id)""",
    "projects_cost_what_their_change_orders_say": """
        select format('project %s: approved %s, its last change order says %s', p.id,
          p.approved_price, coalesce(c.price_after, p.original_price))
        from project p left join lateral (select price_after from change_order
          where project_id = p.id order by number desc limit 1) c on true
        where p.approved_price <> coalesce(c.price_after, p.original_price)""",
    "change_orders_follow_each_other": """
        select format('change order %s begins at %s, not at %s', c.id, c.price_before, c.was)
        from (select c.id, c.price_before, coalesce(lag(c.price_after) over
            (partition by c.project_id order by c.number), p.original_price) as was
          from change_order c join project p on p.id = c.project_id) c
        where c.price_before <> c.was""",
    "projects_plan_and_bill_no_more_than_was_approved": """
        select format('project %s: approved %s, planned %s, billed %s', p.id, p.approved_price,
          coalesce(m.planned, 0), coalesce(i.billed, 0))
        from project p
        left join (select project_id, sum(amount) as planned from milestone
          where dropped_at is null group by 1) m on m.project_id = p.id
        left join (select project_id, sum(total - credit_notes + bank_fees) as billed from invoice
          where state <> 'void' group by 1) i on i.project_id = p.id
        where coalesce(m.planned, 0) > p.approved_price
          or coalesce(i.billed, 0) > p.approved_price""",
    "milestones_are_billed_once_and_no_more_than_they_are": """
        select format('milestone %s of %s is billed %s', m.id, m.amount, sum(i.total))
        from milestone m join invoice i on i.milestone_id = m.id and i.state <> 'void'
        group by m.id, m.amount
        having count(*) > 1 or sum(i.total) > m.amount or bool_or(m.dropped_at is not null)
          or bool_or(i.project_id is distinct from m.project_id or i.currency <> m.currency)""",
    **purchase_laws.QUERIES,
    **closing_laws.QUERIES,
}

# What the Python side checks, payment by payment (services/verification.py).
PAYMENTS = """
    select p.id, p.facts::text as facts, p.booked::text as booked, p.captured, p.refunded, p.lost,
      p.status, coalesce(o.objects, '[]')::text as objects,
      coalesce(l.clearing, '{}')::text as clearing
    from payment p left join (
      select payment_id, jsonb_object_agg(currency, amount) as clearing from (
        select e.payment_id, a.currency, sum(p.amount) as amount
        from posting p join journal_entry e on e.id = p.entry_id
        join ledger_account a on a.id = p.account_id
        where a.role = 'clearing' group by 1, 2) as c
      group by 1) l on l.payment_id = p.id
    left join (
      select payment_id, jsonb_agg(jsonb_build_array(kind, object_id, amount, currency, state,
        extract(epoch from made_at)::bigint, reference)) as objects
      from rail_object group by 1) o on o.payment_id = p.id
    where cast(:since as timestamptz) is null or p.occurred_at >= :since
    order by p.id"""

PAYOUTS = """
    select p.id, p.facts::text as facts, p.booked::text as booked, p.amount, p.status,
      coalesce(l.clearing, '{}')::text as clearing
    from payout p left join (
      select payout_id, jsonb_object_agg(currency, amount) as clearing from (
        select e.payout_id, a.currency, sum(p.amount) as amount
        from posting p join journal_entry e on e.id = p.entry_id
        join ledger_account a on a.id = p.account_id
        where a.role = 'clearing' and e.payout_id is not null group by 1, 2) as c
      group by 1) l on l.payout_id = p.id
    order by p.id"""
