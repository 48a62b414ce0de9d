"""Rows for import that are new or changed, written by statements on all of them at once.

Money that was received or paid is not among them: that is done by the services of its kind.
"""

from reconciler.store.ledger_totals import FIRST_FREE

_TODAY = "(cast(:now as timestamptz) at time zone 'UTC')::date"
# What a file calls things by which they are not known here already.
_KEYED = "('customer', 'project', 'vendor', 'receipt', 'application', 'bill_payment')"
_OWED = """((r.kind = 'invoice' and r.state = 'sent') or (r.kind = 'bill' and r.state = 'open'))
      and r.status = 'new'"""
# Each posting of what is owed from now on, as books.invoices and books.bills say it.
_POSTINGS = f"""(
    select r.entry_id, v.line, v.role, '' as category, r.currency, v.amount
      from import_row r cross join lateral (values
        ('invoice', 1, 'accounts_receivable', r.amount),
        ('invoice', 2, 'revenue', coalesce(r.tax, 0) - r.amount),
        ('invoice', 3, 'sales_tax_payable', -r.tax),
        ('bill', 1, 'accounts_payable', -r.amount),
        ('bill', 2, 'input_tax', r.tax)) as v (kind, line, role, amount)
      where {_OWED} and v.kind = r.kind and v.amount <> 0
    union all select entry_id, 2 + row_number() over (partition by entry_id order by category),
        'expenses', category, currency, net
      from (select r.entry_id, p.category, r.currency, sum(p.net)::bigint as net
        from import_priced p join import_row r on r.place = p.doc
        where r.kind = 'bill' and {_OWED} group by 1, 2, 3) c where net <> 0) x"""

TAKE = (
    """insert into customer (id, name, email, overpayment_policy, seeks_payment, created_at)
    select id, name, email, coalesce(more ->> 'overpayment_policy', 'hold'),
      coalesce(more ? 'rail_customers', false), :now from import_row
    where kind = 'customer' and status = 'new' order by line""",
    """update customer c set name = r.name, email = coalesce(r.email, c.email),
      overpayment_policy = coalesce(r.more ->> 'overpayment_policy', c.overpayment_policy),
      seeks_payment = c.seeks_payment or coalesce(r.more ? 'rail_customers', false), rev = c.rev + 1
    from import_row r where r.kind = 'customer' and r.status = 'changed' and c.id = r.found_id""",
    """delete from customer_rail_id h using import_row r where r.kind = 'customer'
      and r.status = 'changed' and h.customer_id = r.found_id
      and r.more -> 'rail_customers' ? h.rail""",
    """insert into customer_rail_id (rail, rail_customer_id, customer_id)
    select k.rail, k.known_as, coalesce(r.found_id, r.id) from import_row r
    cross join jsonb_each_text(r.more -> 'rail_customers') as k(rail, known_as)
    where r.kind = 'customer' and r.status in ('new', 'changed') order by 1, 2""",
    """insert into vendor (id, name, email, notes, created_at)
    select id, name, email, words, :now from import_row
    where kind = 'vendor' and status = 'new' order by line""",
    """update vendor v set name = r.name, email = coalesce(r.email, v.email),
      notes = coalesce(r.words, v.notes), rev = v.rev + 1
    from import_row r where r.kind = 'vendor' and r.status = 'changed' and v.id = r.found_id""",
    """insert into project (id, customer_id, name, currency, original_price, approved_price,
      created_at) select id, customer_id, name, currency, amount, amount, :now from import_row
    where kind = 'project' and status = 'new' order by line""",
    """update project p set name = r.name, rev = p.rev + 1
    from import_row r where r.kind = 'project' and r.status = 'changed' and p.id = r.found_id""",
    f"""insert into imported_key (kind, external_id, subject_id)
    select kind, key, id from import_row
    where kind in {_KEYED} and status = 'new' order by 1, 2""",
    f"""insert into invoice (id, number, customer_id, project_id, currency, total, tax, state,
      description, issued_on, due_on, created_at, sent_at, seeks_payment)
    select id, name, customer_id, project_id, currency, amount, coalesce(tax, 0),
      case when tax is null then state else 'draft' end, words,
      case when state = 'sent' then coalesce(issued_on, {_TODAY}) else issued_on end,
      due_on, :now, case when state = 'sent' then cast(:now as timestamptz) end, state = 'sent'
    from import_row where kind = 'invoice' and status = 'new' order by line""",
    """update invoice i set customer_id = r.customer_id, currency = r.currency, total = r.amount,
      project_id = coalesce(r.project_id, i.project_id),
      issued_on = coalesce(r.issued_on, i.issued_on), due_on = coalesce(r.due_on, i.due_on),
      description = coalesce(r.words, i.description), rev = i.rev + 1
    from import_row r where r.kind = 'invoice' and r.status = 'changed' and i.id = r.found_id""",
    f"""insert into deposit (id, code, customer_id, project_id, taken_on, currency, amount, notes,
      due_on, expires_on, created_at, seeks_payment)
    select id, name, customer_id, project_id, coalesce(issued_on, {_TODAY}), currency, amount,
      words, due_on, (more ->> 'expires_on')::date, :now, true
    from import_row where kind = 'deposit' and status = 'new' order by line""",
    """update deposit d set customer_id = r.customer_id, currency = r.currency, amount = r.amount,
      project_id = coalesce(r.project_id, d.project_id), notes = coalesce(r.words, d.notes),
      taken_on = coalesce(r.issued_on, d.taken_on), due_on = coalesce(r.due_on, d.due_on),
      expires_on = coalesce((r.more ->> 'expires_on')::date, d.expires_on), seeks_payment = true,
      rev = d.rev + 1
    from import_row r where r.kind = 'deposit' and r.status = 'changed' and d.id = r.found_id""",
    f"""insert into bill (id, number, vendor_id, currency, total, tax, state, description,
      issued_on, due_on, created_at, opened_at)
    select id, name, customer_id, currency, amount, coalesce(tax, 0), 'draft', words,
      case when state = 'open' then coalesce(issued_on, {_TODAY}) else issued_on end, due_on, :now,
      case when state = 'open' then cast(:now as timestamptz) end
    from import_row where kind = 'bill' and status = 'new' order by line""",
    """insert into invoice_line (invoice_id, place, description, quantity, unit_price, tax_rate,
      tax_name, net, tax)
    select r.id, p.n, p.description, p.quantity, p.unit_price, p.tax_rate, p.tax_name, p.net, p.tax
    from import_priced p join import_row r on r.place = p.doc
    where r.kind = 'invoice' and r.status = 'new' order by 1, 2""",
    """insert into bill_line (bill_id, place, description, category, quantity, unit_price, tax_rate,
      tax_name, net, tax)
    select r.id, p.n, p.description, p.category, p.quantity, p.unit_price, p.tax_rate, p.tax_name,
      p.net, p.tax from import_priced p join import_row r on r.place = p.doc
    where r.kind = 'bill' and r.status = 'new' order by 1, 2""",
    # Lines are written while it is a draft, as by everybody.
    """update invoice i set state = 'sent' from import_row r where r.kind = 'invoice'
      and r.status = 'new' and r.state = 'sent' and r.tax is not null and i.id = r.id""",
    """update bill b set state = 'open' from import_row r where r.kind = 'bill'
      and r.status = 'new' and r.state = 'open' and b.id = r.id""",
    f"""insert into ledger_account (role, rail, category, currency)
    select distinct role, '', category, currency from {_POSTINGS} order by 1, 3, 4
    on conflict do nothing""",
    # Of the day on the document; what is closed already counts on the first open day.
    f"""insert into journal_entry (id, key, invoice_id, bill_id, effective_on, posted_on,
      cause_kind, cause_id, at)
    select r.entry_id,
      case r.kind when 'invoice' then 'invoice/' || r.id || '/sent'
        else 'bill/' || r.id || '/opened' end,
      case r.kind when 'invoice' then r.id end, case r.kind when 'bill' then r.id end, o.day,
      greatest(o.day, f.opens), :cause_kind, :cause_id, greatest(:now, {FIRST_FREE})
    from first_open_day() as f(opens), import_row r,
      lateral (select least(coalesce(r.issued_on, {_TODAY}), {_TODAY}) as day) o
    where {_OWED} order by r.line""",
    f"""insert into posting (entry_id, line, account_id, amount)
    select x.entry_id, x.line, (select a.id from ledger_account a where a.role = x.role
        and a.rail = '' and a.category = x.category and a.currency = x.currency), x.amount
    from {_POSTINGS}""",
)
