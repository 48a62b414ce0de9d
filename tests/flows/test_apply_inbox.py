def test_probe(office):
    import time
    from reconciler.services import customers, invoices
    from reconciler.services.invoices import NewInvoice
    def mk(work):
        c = customers.create(work, name="Ann")
        i = invoices.create(work, NewInvoice(customer_id=c, currency="USD", total=10000, number="INV-1"))
        invoices.send(work, i)
    office.do(mk)
    office.world.pay(10000, metadata={"invoice": "INV-1"})
    t=time.time()
    print(office.deliver(*office.world.events()))
    print("deliver", time.time()-t); t=time.time()
    office.apply()
    print("apply", time.time()-t); t=time.time()
    office.drain()
    print("drain", time.time()-t); t=time.time()
    print(office.line.calls)
    for r in office.rows("select a.role,a.rail,a.currency,sum(amount) from posting p join ledger_account a on a.id=p.account_id group by 1,2,3"): print(r)
    print(office.violations(), office.fail_statuses())
    print("verify", time.time()-t); t=time.time()
    office.replay()
    print("replay", time.time()-t); t=time.time()
    print(office.scalar("select count(*) from journal_entry"))
    print(office.rows("show lc_collate") if 0 else office.rows("select datcollate, datlocprovider from pg_database where datname=current_database()"))
    print(office.rows("select lower('RÄ'), fetch_due_at from payment"))
    assert 0
