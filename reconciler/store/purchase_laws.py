"""What must be true of bills and prepayments: queries that find nothing when it is."""

from reconciler.store.suspense import IS_MOVE

# What a person moved out of suspense is an expense that no bill says.
_NET = f"""select e.bill_id, e.prepayment_id, a.role, a.category, a.currency, p.amount
    from posting p join journal_entry e on e.id = p.entry_id
    join ledger_account a on a.id = p.account_id where not {IS_MOVE}"""

QUERIES: dict[str, str] = {
    "bills_are_paid_by_what_is_on_them": """
        select format('bill %s says paid %s, its payments and prepayments pay %s', b.number, b.paid,
          coalesce(p.amount, 0) + coalesce(u.amount, 0))
        from bill b
        left join (select bill_id, sum(amount) as amount from bill_payment
          where closed_at is null group by 1) p on p.bill_id = b.id
        left join (select bill_id, sum(amount) as amount from prepayment_application
          where closed_at is null group by 1) u on u.bill_id = b.id
        where b.paid <> coalesce(p.amount, 0) + coalesce(u.amount, 0)""",
    "bills_owe_what_the_ledger_says": f"""
        select format('bill %s: outstanding %s, accounts_payable %s',
          coalesce(b.number, l.bill_id, 'none'), b.outstanding, coalesce(l.owed, 0))
        from bill b full join (select bill_id, -sum(amount) as owed from ({_NET}) n
          where role = 'accounts_payable' group by 1) l on l.bill_id = b.id
        where coalesce(l.owed, 0) <> case when b.state = 'open' then b.outstanding else 0 end""",
    "bill_lines_and_tax_add_up": """
        select format('bill %s: total %s with tax %s, its lines come to %s with tax %s', b.number,
          b.total, b.tax, coalesce(l.amount, 0), coalesce(l.tax, 0))
        from bill b left join (select bill_id, sum(net + tax) as amount, sum(tax) as tax
          from bill_line group by 1) l on l.bill_id = b.id
        where b.tax <> coalesce(l.tax, 0) or b.total <> coalesce(l.amount, 0)""",
    "expenses_are_what_bills_say": f"""
        select format('%s of bill %s: its lines say %s, expenses hold %s', category, bill_id,
          sum(said), sum(booked))
        from (select b.id as bill_id, l.category, l.net as said, 0 as booked
          from bill b join bill_line l on l.bill_id = b.id where b.state = 'open'
          union all select q.id, l.category, -l.net, 0
          from prepayment q join vendor_credit_line l on l.prepayment_id = q.id
          where q.voided_at is null
          union all select coalesce(bill_id, prepayment_id, 'none'), category, 0, amount
          from ({_NET}) n where role = 'expenses') x
        group by bill_id, category having sum(said) <> sum(booked)""",
    "input_tax_is_what_bills_say": f"""
        select format('bill %s: tax %s, input_tax holds %s for it',
          coalesce(b.number, l.bill_id, 'none'), b.tax, coalesce(l.held, 0))
        from (select id, number, case when state = 'open' then tax else 0 end as tax from bill
          union all select id, code, case when voided_at is null then -tax else 0 end
          from prepayment) b
        full join (select coalesce(bill_id, prepayment_id) as bill_id, sum(amount) as held
          from ({_NET}) n where role = 'input_tax' group by 1) l on l.bill_id = b.id
        where coalesce(l.held, 0) <> coalesce(b.tax, 0)""",
    "vendor_credit_lines_and_tax_add_up": """
        select format('credit note %s: amount %s with tax %s, its lines come to %s with tax %s',
          q.code, q.amount, q.tax, coalesce(l.amount, 0), coalesce(l.tax, 0))
        from prepayment q left join (select prepayment_id, sum(net + tax) as amount,
            sum(tax) as tax from vendor_credit_line group by 1) l on l.prepayment_id = q.id
        where case when q.kind = 'credit_note'
          then q.tax <> coalesce(l.tax, 0) or q.amount <> coalesce(l.amount, 0)
          else l.amount is not null end""",
    "prepayments_are_applied_refunded_or_remain": f"""
        select format('prepayment %s: paid %s, applied %s, refunded %s; used %s, given back %s, '
          'vendor_prepayments %s', coalesce(q.code, l.prepayment_id, 'none'), q.amount, q.applied,
          q.refunded, coalesce(u.amount, 0), coalesce(r.amount, 0), coalesce(l.held, 0))
        from prepayment q
        left join (select prepayment_id, sum(amount) as amount from prepayment_application
          where closed_at is null group by 1) u on u.prepayment_id = q.id
        left join (select prepayment_id, sum(amount) as amount from vendor_refund
          where closed_at is null group by 1) r on r.prepayment_id = q.id
        full join (select prepayment_id, sum(amount) as held from ({_NET}) n
          where role = 'vendor_prepayments' group by 1) l on l.prepayment_id = q.id
        where q.applied <> coalesce(u.amount, 0) or q.refunded <> coalesce(r.amount, 0)
          or coalesce(l.held, 0) <> case when q.voided_at is null
            then q.amount - q.applied - q.refunded else 0 end""",
    "payables_add_up": f"""
        select format('%s: bills owe %s, accounts_payable is %s', currency, sum(owed), sum(booked))
        from (select currency, outstanding as owed, 0 as booked from bill where state = 'open'
          union all select currency, 0, -amount from ({_NET}) n where role = 'accounts_payable'
        ) as x group by currency having sum(owed) <> sum(booked)""",
    "prepayments_add_up": f"""
        select format('%s: prepayments hold %s, vendor_prepayments is %s', currency,
          sum(held), sum(booked))
        from (select currency, amount - applied - refunded as held, 0 as booked from prepayment
          where voided_at is null
          union all select currency, 0, amount from ({_NET}) n where role = 'vendor_prepayments'
        ) as x group by currency having sum(held) <> sum(booked)""",
    "prepayments_stay_with_their_vendor_and_currency": """
        select format('application %s uses %s of %s on a bill in %s of %s', u.id, q.currency,
          q.vendor_id, b.currency, b.vendor_id)
        from prepayment_application u join prepayment q on q.id = u.prepayment_id
        join bill b on b.id = u.bill_id
        where u.closed_at is null and (q.currency, q.vendor_id) <> (b.currency, b.vendor_id)""",
}
