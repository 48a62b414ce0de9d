"""How the stages of a plan are sent: projects, milestones and change orders take them."""

from typing import Annotated

from pydantic import Field

from reconciler.books import plans
from reconciler.books.milestones import MilestoneKind
from reconciler.books.plans import Part
from reconciler.errors import Invalid
from reconciler.services.milestones import Stage
from reconciler.web.api.fields import Amount, Body, Day, Line255, Words2000

Kind = Annotated[MilestoneKind, Field(strict=False)]
Percent = Annotated[
    int | Annotated[str, Field(min_length=1, max_length=6)],
    Field(description="Of the price, with at most two decimals.", examples=[30, "33.33"]),
]


class StageBody(Body):
    """A milestone as it is planned: by `amount` or by `percent`."""

    kind: Kind
    name: Annotated[
        Line255 | None, Field(max_length=200, description="Called after its kind, if left out.")
    ] = None
    description: Annotated[
        Words2000 | None, Field(max_length=500, description="What is delivered, in one line.")
    ] = None
    amount: Amount | None = None
    percent: Percent | None = None
    due_on: Day | None = None

    def stage(self) -> Stage:
        """As the services take it. Raises Invalid unless it has one of amount and percent."""
        if (self.amount is None) == (self.percent is None):
            raise Invalid("say either amount or percent", field="amount")
        part = (
            Part(amount=self.amount)
            if self.percent is None
            else Part(share=plans.share(self.percent))
        )
        return Stage(
            kind=self.kind,
            part=part,
            name=self.name,
            description=self.description,
            due_on=self.due_on,
        )


Stages = Annotated[
    list[StageBody],
    Field(
        max_length=plans.STAGES_MAX,
        description="Fixed amounts first; percentages share what they leave, and come to 100.",
    ),
]
