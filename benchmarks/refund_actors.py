"""Who acts in a simulated life: senders of the refund, people, and accidents."""

from datetime import timedelta

from benchmarks.refund_lives import REFUND, Leg, Life, Task
from benchmarks.refund_rail import BROKEN, DAY, HOUR, Answer, Made
from reconciler.books import refund_sending as rules, refunds
from reconciler.books.observations import PaymentFacts
from reconciler.books.refund_sending import Look, Looked, Obstacle, Sending, Step
from reconciler.books.refunds import RefundStatus, Reserved

_A_MOMENT = 0.01  # a transaction
_SWEEP = 2.0  # how often it is seen what has fallen due
_ROUNDS_MAX = 400
_RETRIES_MAX = 3

_S = RefundStatus


def worker(life: Life) -> Task:
    """A process that takes in hand whatever is due, until nothing is."""
    for _ in range(_ROUNDS_MAX):
        leg = life.legs[-1]
        if leg.at.due_at is None:
            return
        wait = (
            max(leg.at.due_at, leg.at.lease_until or leg.at.due_at) - life.clock()
        ).total_seconds()
        if wait >= 0 or not rules.may_be_claimed(leg.at, life.clock()):
            yield max(wait, 0.0) + _SWEEP * life.chance.random()
            continue
        yield from _converge(life, leg)


def _converge(life: Life, leg: Leg) -> Task:
    """What `flows/submit_refunds.py` does with one leg."""
    token = str(life.count())
    life.keep(leg, rules.claimed(leg.at, token, life.clock()))
    yield _A_MOMENT
    if not life.mine(leg, token):
        return
    known = life.facts()
    yield _A_MOMENT
    looked = _look(life, leg, known)
    yield _A_MOMENT
    step = _decide(life, leg, token, looked)
    if step is None:
        return
    key = life.policy.key(life.chance, leg.id, leg.at.generation)
    meant_at, meant_boot = life.clock(), life.now
    yield _A_MOMENT
    if life.policy.has_fence:
        is_held = rules.is_held(leg.at, token, life.clock())
        yield _A_MOMENT  # here a process may be frozen after its last question to the database
        boot = timedelta(seconds=life.now - meant_boot)
        if not is_held or not rules.is_still_meant(life.clock() - meant_at, boot):
            if life.mine(leg, token):
                life.keep(leg, rules.not_taken(leg.at, life.clock(), "fenced"))
            return
    word, answer = _post(life, leg, key)
    yield life.chance.choice((0.2, 1.0, 20.0))
    yield from _record(life, leg, token, word, answer)


def _look(life: Life, leg: Leg, known: PaymentFacts) -> Looked:
    if not life.policy.has_look:
        return Looked(Look.ABSENT)
    if life.chance.random() < life.nature.unread:
        return Looked(Look.UNANSWERED)
    listed = life.rail.listed(life.now)
    life.observe(listed)
    if any(fact.reference == leg.reference for fact in listed.values()):
        return Looked(Look.FOUND)
    total = life.rail.refunded_total(life.now)
    return Looked(Look.ABSENT, rules.lists_everything(known, life.facts(listed), total))


def _decide(life: Life, leg: Leg, token: str, looked: Looked) -> Step | None:
    """The step that is to be taken now, its intent written down; None if nothing is to be sent."""
    if not life.mine(leg, token):
        return None
    now = life.clock()
    at = leg.at
    step = life.policy.next_step(rules.situation(at, looked, now, released_at=leg.released_at))
    if step is Step.DONE:
        life.follow()
        if leg.at.status in refunds.SENDABLE:
            life.keep(leg, rules.look_again(leg.at, now, None))
        return None
    if step not in {Step.SEND, Step.NEW_GENERATION}:
        life.keep(leg, rules.after_look(at, step, looked, now))
        return None
    obstacle = _obstacle(life, leg)
    if obstacle is not None:
        life.keep(leg, rules.hindered(at, step, obstacle, now))
        return None
    life.keep(leg, rules.intended(at, step, now))
    return step


def _obstacle(life: Life, leg: Leg) -> Obstacle | None:
    if rules.has_forgotten(life.facts(), REFUND, {each.reference for each in life.legs}):
        return Obstacle.FORGOTTEN
    return Obstacle.NOTHING_LEFT if leg.amount > _left(life, leg) else None


def _left(life: Life, leg: Leg) -> int:
    others = [
        Reserved(other.reference, other.amount)
        for other in life.legs[:-1]
        if other is not leg and other.at.status in refunds.HOLDING
    ]
    return refunds.refundable(life.facts(), others)


def _post(life: Life, leg: Leg, key: str) -> tuple[str, Answer]:
    """One request, and what comes of it on the way."""
    nature, rail = life.nature, life.rail
    word = nature.befalls(life.chance.random())
    match word:
        case "lost_before" | "busy" | "key_refused":
            return word, BROKEN
        case "unsaved_no":
            return word, Answer(code="parameter_invalid")
        case "delayed":
            life.begin(_late(life, leg, key), life.chance.uniform(30.0, 600.0))
            return word, BROKEN
        case "saved_500":
            answer = rail.break_down(life.now, key, leg.reference, leg.amount)
        case _:
            answer = rail.post(life.now, key, leg.reference, leg.amount)
    life.rail_made()
    return word, BROKEN if word == "lost_after" else answer


def _late(life: Life, leg: Leg, key: str) -> Task:
    life.rail.post(life.now, key, leg.reference, leg.amount)
    life.rail_made()
    yield from ()


def _record(life: Life, leg: Leg, token: str, word: str, answer: Answer) -> Task:
    if answer.made is not None:
        life.observe({answer.made.id: answer.made.fact()})
    if not life.mine(leg, token):
        return
    now = life.clock()
    if word == "busy":
        life.keep(leg, rules.in_the_way(leg.at, now, word))
    elif word == "key_refused":
        life.keep(leg, rules.not_taken(leg.at, now, word))
    elif answer.code is not None:
        life.keep(leg, rules.refused(leg.at, answer.code, answer.code))
        yield _A_MOMENT
        known = life.facts()
        _decide(life, leg, token, _look(life, leg, known))
    else:
        life.keep(leg, rules.unanswered(leg.at, now, word))


def person(life: Life, leg: Leg) -> Task:
    """Somebody who tries again what failed or was given up, or calls it off."""
    yield 0.0
    if leg is not life.legs[-1] or leg.at.status not in {_S.MANUAL, _S.FAILED}:
        return
    now = life.clock()
    if leg.at.status is _S.MANUAL:
        sent_at = leg.at.last_sent_at
        if life.chance.random() < 0.2 and (
            sent_at is None or now - sent_at >= rules.KEY_IS_FORGOTTEN
        ):
            life.keep(leg, rules.ended(leg.at, _S.CANCELED, None))
            return
        life.keep(leg, rules.put_back(leg.at, now))
    else:
        if leg.amount > _left(life, leg):
            return
        number = len(life.legs) + 1
        reference = refunds.reference(REFUND, number)
        at = Sending(status=_S.REQUESTED)
        leg = Leg(f"leg_{life.count()}", reference, leg.amount, at, now)
        life.legs = [*life.legs, leg]
    leg.released_at = now
    life.keep(leg, rules.released(leg.at, now))
    for _ in range(life.chance.choice((1, 2))):
        life.begin(worker(life), is_process=True)


def accidents(life: Life) -> None:
    """What befalls this world besides, whoever does what."""
    chance = life.chance
    if chance.random() < 0.3:
        life.begin(_leap(life), chance.choice((5.0, 60.0, HOUR, 30 * HOUR)) * chance.random())
    if chance.random() < 0.2:
        life.begin(_dashboard(life), chance.choice((1.0, 60.0, 30 * HOUR)) * chance.random())
    if chance.random() < 0.1:
        begins = chance.choice((0.0, 60.0, 30 * HOUR)) * chance.random()
        life.rail.disputed = (begins, begins + chance.choice((60.0, 10 * HOUR, 2 * DAY)))
    if chance.random() < 0.1:
        life.begin(_restoration(life), chance.choice((1.0, HOUR, 2 * DAY)) * chance.random())


def _leap(life: Life) -> Task:
    life.leap += life.chance.choice((-HOUR, 5 * 60.0, 6 * HOUR, 26 * HOUR, 30 * HOUR, 48 * HOUR))
    life.begin(worker(life), _SWEEP, is_process=True)
    yield from ()


def _dashboard(life: Life) -> Task:
    amount = life.chance.choice((10, 30, 70))
    if amount <= life.rail.room():
        life.rail.make(life.now, None, amount)
        life.rail_made()
    yield from ()


def _restoration(life: Life) -> Task:
    life.save()
    yield life.chance.choice((1.0, 60.0, HOUR, 30 * HOUR))
    life.restore()


def later_news(life: Life, made: Made) -> Task:
    """The rest of a refund's life at the rail, with the events that tell of it."""
    chance = life.chance
    yield from _tell(life, made)
    if made.word == "pending":
        yield chance.choice((HOUR, DAY, 4 * DAY))
        made.word = chance.choice(("succeeded", "failed"))
        yield from _tell(life, made)
    if made.word == "succeeded" and chance.random() < 0.05:
        yield chance.choice((HOUR, 2 * DAY, 6 * DAY))
        made.word = "failed"
        yield from _tell(life, made)


def _tell(life: Life, made: Made) -> Task:
    yield life.chance.choice((0.1, 5.0, 300.0, 2 * DAY))
    if life.chance.random() >= life.nature.untold:
        life.observe({made.id: made.fact()})
