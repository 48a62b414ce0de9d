"""Rows for import: what each of them is about, found by statements on all of them at once."""

# A row is refused for the first thing that is found to be wrong with it.
REFUSED = "update import_row r set status = 'refused'"
# Of what is bought `customer_id` is the vendor: no row has both.
BOUGHT = "('bill', 'bill_line', 'bill_payment')"
DOCUMENTS = "('invoice', 'deposit', 'bill')"
LINES = "('invoice_line', 'bill_line')"

# What is filled in since it was counted last looks empty to PostgreSQL, which would then go through
# all rows for each of them.
COUNT_ANEW = "analyze import_row"
FIND = (
    "create index on import_row (kind, key)",
    # Before the rows change: what is made after it is not used by this transaction (indcheckxmin).
    "create index on import_row (doc_key)",
    COUNT_ANEW,
    """update import_row r set found_id = x.id from (
      select r.place, coalesce(k.subject_id, c.id, p.id, v.id, i.id, d.id, y.id, u.id, b.id) as id
      from import_row r
      left join imported_key k on k.kind = r.kind and k.external_id = r.key
      left join customer c on r.kind = 'customer' and c.id = r.key
      left join project p on r.kind = 'project' and p.id = r.key
      left join vendor v on r.kind = 'vendor' and v.id = r.key
      left join invoice i on r.kind = 'invoice' and lower(btrim(i.number)) = r.key
      left join deposit d on r.kind = 'deposit' and lower(btrim(d.code)) = r.key
      left join payment y on r.kind = 'receipt' and y.id = r.key and y.rail = 'manual'
      left join application u on r.kind = 'application' and u.id = r.key
      left join bill_payment b on r.kind = 'bill_payment' and b.id = r.key) x
    where x.place = r.place and x.id is not null""",
    # Whoever is named: somebody in this file, in an earlier one, or in our books.
    f"""update import_row r set customer_id = x.id from (
      select r.place, coalesce(n.found_id, n.id, k.subject_id, c.id) as id from import_row r
      left join (select distinct on (key) key, found_id, id from import_row
        where kind = 'customer' order by key, place) n on n.key = r.customer_key
      left join imported_key k on k.kind = 'customer' and k.external_id = r.customer_key
      left join customer c on c.id = r.customer_key
      where r.customer_key is not null and r.kind not in {BOUGHT}) x
    where x.place = r.place and x.id is not null""",
    f"""update import_row r set customer_id = x.id from (
      select r.place, coalesce(n.found_id, n.id, k.subject_id, v.id) as id from import_row r
      left join (select distinct on (key) key, found_id, id from import_row
        where kind = 'vendor' order by key, place) n on n.key = r.customer_key
      left join imported_key k on k.kind = 'vendor' and k.external_id = r.customer_key
      left join vendor v on v.id = r.customer_key
      where r.customer_key is not null and r.kind in {BOUGHT}) x
    where x.place = r.place and x.id is not null""",
    """update import_row r set project_id = x.id from (
      select r.place, coalesce(n.found_id, n.id, k.subject_id, p.id) as id from import_row r
      left join (select distinct on (key) key, found_id, id from import_row
        where kind = 'project' order by key, place) n on n.key = r.project_key
      left join imported_key k on k.kind = 'project' and k.external_id = r.project_key
      left join project p on p.id = r.project_key
      where r.project_key is not null) x where x.place = r.place and x.id is not null""",
    # Two vendors may number alike; and a vendor may be called in two ways.
    """update import_row set doc_key = customer_id || '/' || lower(btrim(name))
    where kind = 'bill' and customer_id is not null""",
    """update import_row set doc_key = customer_id || '/' || of_key
    where of_kind = 'bill' and customer_id is not null""",
    f"update import_row set doc_key = key where kind in {DOCUMENTS} and kind <> 'bill'",
    "update import_row set doc_key = of_key where of_kind is not null and of_kind <> 'bill'",
    COUNT_ANEW,
    """update import_row r set found_id = b.id from bill b where r.kind = 'bill'
      and b.vendor_id = r.customer_id and lower(btrim(b.number)) = lower(btrim(r.name))
      and b.state <> 'void'""",
    # What a line or a payment is of; and the invoice that a deposit was used on.
    f"""update import_row r set of_id = x.id from (
      select r.place, coalesce(n.found_id, n.id, i.id, d.id, b.id) as id from import_row r
      left join (select distinct on (kind, doc_key) kind, doc_key, found_id, id from import_row
        where kind in {DOCUMENTS} order by kind, doc_key, place) n
        on n.kind = r.of_kind and n.doc_key = r.doc_key
      left join invoice i on r.of_kind = 'invoice' and lower(btrim(i.number)) = r.doc_key
      left join deposit d on r.of_kind = 'deposit' and lower(btrim(d.code)) = r.doc_key
      left join bill b on r.of_kind = 'bill' and b.vendor_id = r.customer_id
        and b.vendor_id || '/' || lower(btrim(b.number)) = r.doc_key and b.state <> 'void'
      where r.of_kind is not null) x where x.place = r.place and x.id is not null""",
    """update import_row r set to_id = x.id from (
      select r.place, coalesce(n.found_id, n.id, i.id) as id from import_row r
      left join (select distinct on (key) key, found_id, id from import_row
        where kind = 'invoice' order by key, place) n on n.key = r.more ->> 'invoice'
      left join invoice i on lower(btrim(i.number)) = r.more ->> 'invoice'
      where r.kind = 'application') x where x.place = r.place and x.id is not null""",
    COUNT_ANEW,
    # Nobody changes these meanwhile; in the order of locks.
    """select count(*) from (select d.id from deposit d join import_row r
      on r.kind = 'deposit' and r.found_id = d.id order by d.id for no key update of d) x""",
    """select count(*) from (select i.id from invoice i join import_row r
      on r.kind = 'invoice' and r.found_id = i.id order by i.id for no key update of i) x""",
    """select count(*) from (select b.id from bill b join import_row r
      on r.kind = 'bill' and r.found_id = b.id order by b.id for no key update of b) x""",
    f"""{REFUSED}, field = 'file', why = 'the same as line ' || x.first
    from (select place, first_value(line) over same as first, min(place) over same as leads
      from import_row where kind not in {LINES}
      window same as (partition by kind, coalesce(case when kind = 'bill' then doc_key end, key)
        order by place)) x
    where x.place = r.place and x.leads < r.place""",
    f"""{REFUSED}, field = case when kind in {BOUGHT} then 'vendor_id' else 'customer_id' end,
      why = format('there is no %s %s',
        case when kind in {BOUGHT} then 'vendor' else 'customer' end, customer_key)
    where status is null and customer_key is not null and customer_id is null""",
    f"""{REFUSED}, field = 'project_id', why = format('there is no project %s', project_key)
    where status is null and project_key is not null and project_id is null""",
    f"""{REFUSED}, field = case of_kind when 'deposit' then 'code' else 'number' end,
      why = format('there is no %s %s', of_kind, of_key)
    where status is null and of_kind is not null and of_id is null""",
    f"""{REFUSED}, field = 'number', why = format('there is no invoice %s', more ->> 'invoice')
    where status is null and kind = 'application' and to_id is null""",
    f"""{REFUSED}, field = 'project_id',
      why = 'the project is another customer''s, or in another currency'
    from (select id, customer_id, currency from project
      union all select id, customer_id, currency from import_row
      where kind = 'project' and found_id is null) p
    where r.status is null and p.id = r.project_id and r.kind in ('invoice', 'deposit')
      and (p.customer_id, p.currency) is distinct from (r.customer_id, r.currency)""",
)
