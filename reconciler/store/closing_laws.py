"""The law about closed books: they stand as they stood when they were closed."""

from reconciler.store.ledger import POSTED_ON

# Closings from before they told categories apart are held against the sum of them.
QUERIES: dict[str, str] = {
    "closed_books_stand_as_they_were_closed": f"""
        with last as (select *, balances -> 0 ? 'category' as by_category
            from books_closing order by seq desc limit 1),
          stood as (select x.role, x.rail, coalesce(x.category, '') as category, x.currency,
              x.debit, x.credit
            from last, jsonb_to_recordset(last.balances) as x(role text, rail text, category text,
              currency text, debit bigint, credit bigint)),
          stands as (select a.role, a.rail,
              case when (select by_category from last) then a.category else '' end as category,
              a.currency,
              coalesce(sum(p.amount) filter (where p.amount > 0), 0) as debit,
              coalesce(-sum(p.amount) filter (where p.amount < 0), 0) as credit
            from posting p join journal_entry e on e.id = p.entry_id
              join ledger_account a on a.id = p.account_id
            where {POSTED_ON} <= (select through from last) group by 1, 2, 3, 4)
        select format('closed through %s: %s %s had debits %s and credits %s, it has %s and %s',
          last.through, concat_ws(' ', role, nullif(category, '')), currency,
          coalesce(stood.debit, 0), coalesce(stood.credit, 0),
          coalesce(stands.debit, 0), coalesce(stands.credit, 0))
        from last, stood full join stands using (role, rail, category, currency)
        where last.through is not null
          and (coalesce(stood.debit, 0), coalesce(stood.credit, 0))
            <> (coalesce(stands.debit, 0), coalesce(stands.credit, 0))""",
}
