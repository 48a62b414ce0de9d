"""What else a furnished company may have: projects under way."""

from datetime import date

from reconciler.books.invoice_lines import Line
from reconciler.books.plans import Part
from reconciler.services import billing, invoices, milestones, projects, proposals
from reconciler.services.milestones import Stage
from reconciler.services.projects import NewProject
from reconciler.services.proposals import NewProposal


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


def proposal_of(made) -> None:
    """A bath is offered, and nobody has answered yet."""
    new = NewProposal(
        customer_id=made.ids["cedar"],
        name="Bath",
        currency="USD",
        lines=[Line(description="Tiles & <b>grout</b>", quantity="12.5", unit_price=8_000)],
        stages=[
            Stage(kind="deposit", part=Part(share=3_000)),
            Stage(kind="final", part=Part(share=7_000), due_on=date(2027, 2, 1)),
        ],
        introduction="As we spoke of it on Monday.",
        valid_until=date(2026, 12, 31),
    )

    def step(work) -> str:
        proposal = proposals.create(work, new)
        proposals.send(work, proposal)
        return proposal

    made.ids["proposal"] = made.by("reconciler", step)
