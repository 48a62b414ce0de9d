"""/reconciliation-runs: begun, carried out by a worker, read; and up to when all is here."""

from reconciler.flows import reconcile


def _begun(api, **more):
    since = api.office.clock().date().replace(day=1).isoformat()
    return api.post("/reconciliation-runs", {"rail": "stripe", "since": since, **more})


def test_a_run_is_begun_and_a_worker_carries_it_out(api):
    payment = api.office.world.pay(7_700)
    api.office.clock.advance(minutes=5)
    answer = _begun(api)
    assert answer.status_code == 201
    run = answer.json
    assert (run["status"], run["checked"], run["discrepancies"]) == ("running", 0, [])
    assert _begun(api).status_code == 409
    while reconcile.carry_on(api.office.runtime):
        pass
    told = api.read(f"/reconciliation-runs/{run['id']}")
    assert (told["status"], told["unhealed"], told["drift"]) == ("done", 0, {})
    found = {one["rail_object"]: one for one in told["discrepancies"]}[payment.charge]
    assert (found["kind"], found["object_kind"], found["healed"]) == (
        "missing_here",
        "charge",
        True,
    )
    assert (found["expected"]["amount"], found["actual"]) == (7_700, None)
    listed = api.read("/reconciliation-runs", status="done")["data"]
    assert told in listed
    complete = {one["kind"]: one["until"] for one in api.read("/status")["complete"]}
    assert complete["charge"] == told["until"]
    api.sound()


def test_bad_windows_and_rails_are_named(api):
    for sent, field in (
        ({"rail": "paypal"}, "rail"),
        ({"rail": "manual"}, "rail"),
        ({"until": "2199-01-01"}, "until"),
        ({"since": "2026-11-21", "until": "2026-11-20T00:00:00Z"}, "since"),
        ({"since": "yesterday"}, "since"),
    ):
        answer = _begun(api, **sent)
        assert answer.status_code == 422, sent
        assert field in str(answer.json), sent


def test_a_run_that_nobody_began(api):
    assert api.get("/reconciliation-runs/run_nobody").status_code == 404
