"""Rows for import: what is new, changed, unchanged or refused, judged on all of them at once.

What is asked here was found by import_finding.py, and the lines of documents were priced.
"""

from reconciler.store.import_finding import COUNT_ANEW, LINES, REFUSED

MONEY = "('receipt', 'application', 'bill_payment')"
_TODAY = "(cast(:now as timestamptz) at time zone 'UTC')::date"
_OTHER_LINES = """exists (select from (select * from import_priced p where p.doc = r.place) p
    full join (select * from {table} l where l.{column} = r.found_id) l on l.place = p.n
    where (p.description, p.quantity, p.unit_price, p.tax_rate, p.tax_name, p.net, p.tax)
      is distinct from (l.description, l.quantity, l.unit_price, l.tax_rate, l.tax_name, l.net,
        l.tax))"""
_IS_PRICED = "exists (select from import_priced p where p.doc = r.place)"

_RAILS = """from import_row r
    cross join jsonb_each_text(r.more -> 'rail_customers') as k(rail, known_as)
    where r.kind = 'customer' and r.more ? 'rail_customers'"""

# What is paid by each row of money; a use of a deposit names two documents.
_PAID = f"""select x.place, d.name, d.currency, d.is_open from import_row x
      join import_doc d on d.id = x.of_id where x.kind in {MONEY}
    union all select x.place, d.name, d.currency, d.is_open from import_row x
      join import_doc d on d.id = x.to_id where x.kind = 'application'"""

JUDGE = (
    # What a rail calls a customer is told of one customer.
    f"""{REFUSED}, field = 'rail_customers', why = format('%s is another customer''s', x.known_as)
    from (select r.place, k.known_as,
        count(*) over (partition by k.rail, k.known_as) > 1
        or exists (select from customer_rail_id h where h.rail = k.rail
          and h.rail_customer_id = k.known_as
          and h.customer_id is distinct from r.found_id) as is_taken {_RAILS}) x
    where x.is_taken and x.place = r.place and r.status is null""",
    # What is there already.
    """update import_row r set status = case
        when (c.name, c.email, c.overpayment_policy) is not distinct from (r.name,
          coalesce(r.email, c.email),
          coalesce(r.more ->> 'overpayment_policy', c.overpayment_policy))
          and not exists (
            select from jsonb_each_text(r.more -> 'rail_customers') as k(rail, known_as)
            where not exists (select from customer_rail_id h where h.customer_id = c.id
              and h.rail = k.rail and h.rail_customer_id = k.known_as))
        then 'unchanged' else 'changed' end
    from customer c where r.status is null and r.kind = 'customer' and c.id = r.found_id""",
    """update import_row r set status = case
        when (v.name, v.email, v.notes) is not distinct from (r.name, coalesce(r.email, v.email),
          coalesce(r.words, v.notes)) then 'unchanged' else 'changed' end
    from vendor v where r.status is null and r.kind = 'vendor' and v.id = r.found_id""",
    """update import_row r set
      status = case when (p.customer_id, p.currency, p.original_price)
          is distinct from (r.customer_id, r.currency, r.amount) then 'refused'
        when p.name = r.name then 'unchanged' else 'changed' end,
      field = 'original_price',
      why = 'is there with another customer or price; a change order moves a price'
    from project p where r.status is null and r.kind = 'project' and p.id = r.found_id""",
    f"""update import_row r set status = case
        when (i.customer_id, i.currency, i.total, i.project_id, i.issued_on, i.due_on,
            i.description, i.tax) is not distinct from (r.customer_id, r.currency, r.amount,
            coalesce(r.project_id, i.project_id), coalesce(r.issued_on, i.issued_on),
            coalesce(r.due_on, i.due_on), coalesce(r.words, i.description), coalesce(r.tax, i.tax))
          and (r.state = 'draft' or i.state = 'sent')
          and not ({_IS_PRICED}
            and {_OTHER_LINES.format(table="invoice_line", column="invoice_id")}) then 'unchanged'
        when i.state = 'draft' and r.state = 'draft' and i.tax = 0 and i.milestone_id is null
          and not {_IS_PRICED}
          and not exists (select 1 from invoice_line l where l.invoice_id = i.id) then 'changed'
        else 'refused' end,
      field = 'number',
      why = format('%s is there, is %s, and says something else', i.number, i.state)
    from invoice i where r.status is null and r.kind = 'invoice' and i.id = r.found_id""",
    """update import_row r set status = case
        when (d.customer_id, d.currency, d.amount, d.project_id, d.taken_on, d.notes, d.due_on,
            d.expires_on) is not distinct from (r.customer_id, r.currency, r.amount,
            coalesce(r.project_id, d.project_id), coalesce(r.issued_on, d.taken_on),
            coalesce(r.words, d.notes), coalesce(r.due_on, d.due_on),
            coalesce((r.more ->> 'expires_on')::date, d.expires_on)) then 'unchanged'
        when d.received = 0 and d.milestone_id is null
          and coalesce((r.more ->> 'expires_on')::date, d.expires_on)
            < coalesce(r.due_on, d.due_on) then 'refused'
        when d.received = 0 and d.milestone_id is null then 'changed' else 'refused' end,
      field = case when d.received = 0 and d.milestone_id is null then 'expires_on' else 'code' end,
      why = case when d.received = 0 and d.milestone_id is null
        then 'it is due later than that'
        else format('%s has received money, and says something else', d.code) end
    from deposit d where r.status is null and r.kind = 'deposit' and d.id = r.found_id""",
    f"""update import_row r set status = case
        when (b.currency, b.total, b.issued_on, b.due_on, b.description, b.tax)
          is not distinct from (r.currency, r.amount, coalesce(r.issued_on, b.issued_on),
            coalesce(r.due_on, b.due_on), coalesce(r.words, b.description), coalesce(r.tax, b.tax))
          and (r.state = 'draft' or b.state = 'open')
          and not {_OTHER_LINES.format(table="bill_line", column="bill_id")} then 'unchanged'
        else 'refused' end,
      field = 'number',
      why = format('%s is there, is %s, and says something else', b.number, b.state)
    from bill b where r.status is null and r.kind = 'bill' and b.id = r.found_id""",
    f"""update import_row r set
      status = case when d.found_id is null then 'new' else 'unchanged' end
    from import_row d where r.status is null and r.kind in {LINES} and d.kind = r.of_kind
      and d.doc_key = r.doc_key""",
    f"""{REFUSED}, field = 'number', why = 'give the document itself in the same file'
    where status is null and kind in {LINES}""",
    """update import_row r set status = case
        when (y.captured, y.currency, (y.occurred_at at time zone 'UTC')::date)
          is not distinct from (r.amount, r.currency, r.issued_on) then 'unchanged'
        else 'refused' end,
      field = 'amount', why = format('%s is there, and of another amount or day', r.key)
    from payment y where r.status is null and r.kind = 'receipt' and y.id = r.found_id""",
    """update import_row r set status = case
        when (u.deposit_id, u.invoice_id) is not distinct from (r.of_id, r.to_id) then 'unchanged'
        else 'refused' end,
      field = 'code', why = format('%s is there, and of another deposit or invoice', r.key)
    from application u where r.status is null and r.kind = 'application' and u.id = r.found_id""",
    """update import_row r set status = case
        when (b.amount, b.paid_on, b.bill_id) is not distinct from (r.amount, r.issued_on, r.of_id)
        then 'unchanged' else 'refused' end,
      field = 'amount', why = format('%s is there, and of another amount or day', r.key)
    from bill_payment b where r.status is null and r.kind = 'bill_payment' and b.id = r.found_id""",
    # What is paid: a document that is owed, as far as it is owed.
    f"""{REFUSED}, field = 'issued_on', why = 'it is of a day to come'
    where status is null and kind in {MONEY} and issued_on > {_TODAY}""",
    "drop table if exists pg_temp.import_doc",
    f"""create temporary table import_doc on commit drop as
    with asked as (select of_id as id from import_row where kind in {MONEY}
      union select to_id from import_row where kind = 'application')
    select i.id, i.number as name, i.customer_id, i.currency, i.state = 'sent' as is_open,
      i.outstanding as owed, null::bigint as has, i.issued_on
      from invoice i join asked on asked.id = i.id
    union all select d.id, d.code, d.customer_id, d.currency, true, d.amount - d.received,
      d.received - d.applied - d.refunded, null from deposit d join asked on asked.id = d.id
    union all select b.id, b.number, b.vendor_id, b.currency, b.state = 'open', b.outstanding,
      null, null from bill b join asked on asked.id = b.id
    union all select r.id, r.name, r.customer_id, r.currency, r.kind = 'deposit'
        or r.state in ('sent', 'open'), r.amount, case when r.kind = 'deposit' then 0 end,
        case when r.kind = 'invoice' then coalesce(r.issued_on, {_TODAY}) end
      from import_row r join asked on asked.id = r.id where r.found_id is null""",
    f"""{REFUSED}, field = 'currency', why = format('%s is in %s', d.name, d.currency)
    from ({_PAID}) d where r.status is null and d.place = r.place and d.currency <> r.currency""",
    f"""{REFUSED}, field = 'number', why = format('%s is a draft: nothing is owed on it', d.name)
    from ({_PAID}) d where r.status is null and d.place = r.place and not d.is_open""",
    f"""{REFUSED}, field = 'number', why = 'the invoice is another customer''s'
    from import_doc d, import_doc i where r.status is null and r.kind = 'application'
      and d.id = r.of_id and i.id = r.to_id and d.customer_id <> i.customer_id""",
    f"""{REFUSED}, field = 'applied_on', why = format('the invoice is of %s', i.issued_on)
    from import_doc i where r.status is null and r.kind = 'application' and i.id = r.to_id
      and r.issued_on < i.issued_on""",
    f"""{REFUSED}, field = 'amount',
      why = format('that is %s minor units more than is owed on %s', x.more, d.name)
    from (select id, sum(amount) over (partition by id order by place) - owed as more, place from (
        select r.place, d.id, d.owed, r.amount from import_row r join import_doc d
          on d.id = case r.kind when 'application' then r.to_id else r.of_id end
        where r.status is null and r.kind in {MONEY}) y) x
      join import_doc d on d.id = x.id
    where x.more > 0 and x.place = r.place""",
    f"""{REFUSED}, field = 'amount',
      why = format('that is %s minor units more than %s has received', x.more, d.name)
    from (select u.place, d.id, sum(u.amount) over (partition by d.id order by u.place)
        - d.has - coalesce(p.received, 0) as more
      from import_row u join import_doc d on d.id = u.of_id
        left join (select of_id, sum(amount) as received from import_row
          where kind = 'receipt' and status is null group by 1) p on p.of_id = d.id
      where u.kind = 'application' and u.status is null) x join import_doc d on d.id = x.id
    where x.more > 0 and x.place = r.place""",
    "update import_row set status = 'new' where status is null",
    COUNT_ANEW,
    # No project is billed beyond what was approved.
    f"""{REFUSED}, field = 'total',
      why = 'more than the project''s approved price would be billed'
    from (select x.project_id from (
        select project_id, total from invoice i where state <> 'void' and project_id is not null
          and not exists (select 1 from import_row n
            where n.found_id = i.id and n.status = 'changed')
        union all select project_id, amount from import_row
        where kind = 'invoice' and status in ('new', 'changed') and project_id is not null) x
      join (select id, approved_price from project
        union all select id, amount from import_row where kind = 'project' and status = 'new') p
        on p.id = x.project_id
      group by x.project_id, p.approved_price having sum(x.total) > p.approved_price) o
    where r.kind = 'invoice' and r.status in ('new', 'changed') and r.project_id = o.project_id""",
)
