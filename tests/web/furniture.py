"""What else a furnished company may have: projects under way."""

from datetime import date

from reconciler.books.plans import Part
from reconciler.services import billing, invoices, milestones, projects
from reconciler.services.milestones import Stage
from reconciler.services.projects import NewProject


def projects_of(made) -> None:
    """A kitchen in four milestones: held ahead, overdue, drafted, and one nobody asked for yet."""
    new = NewProject(
        customer_id=made.ids["cedar"],
        name="Kitchen & <em>larder</em>",
        currency="USD",
        original_price=1_000_001,
    )
    stages = [
        Stage(kind="deposit", part=Part(share=3_000)),
        Stage(kind="midpoint", part=Part(share=4_000), due_on=date(2026, 11, 10)),
        Stage(kind="named", name="Worktop", part=Part(share=1_000), description="Oak, oiled"),
        Stage(kind="final", part=Part(share=2_000), due_on=date(2027, 1, 15)),
    ]

    def step(work) -> tuple[str, list[str]]:
        project = projects.create(work, new)
        ids = milestones.plan(work, project, stages)
        billing.deposit(work, ids[0])
        invoices.send(work, billing.invoice(work, ids[1]), without_sign_off="Agreed on the phone")
        billing.invoice(work, ids[2])
        return project, ids

    made.ids["project"], ids = made.by("reconciler", step)
    made.ids |= {f"milestone_{place}": one for place, one in enumerate(ids)}
