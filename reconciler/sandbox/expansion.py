"""`expand[]`: ids that become the objects they name."""

from reconciler.sandbox import shapes
from reconciler.sandbox.json_types import Json
from reconciler.sandbox.problems import invalid
from reconciler.sandbox.world import World

_DEPTH_MAX = 4
_LINKS = {
    "balance_transaction": ("source",),
    "charge": (
        "balance_transaction",
        "customer",
        "failure_balance_transaction",
        "invoice",
        "payment_intent",
        "refunds",
    ),
    "checkout.session": ("customer", "invoice", "payment_intent"),
    "dispute": ("charge", "payment_intent"),
    "invoice": ("charge", "customer", "payment_intent"),
    "invoice_payment": ("invoice",),
    "payment_intent": ("customer", "invoice", "latest_charge"),
    "payout": ("balance_transaction", "failure_balance_transaction"),
    "refund": (
        "balance_transaction",
        "charge",
        "customer",
        "failure_balance_transaction",
        "payment_intent",
    ),
}
_INSIDE = ("payment_intent", "charge")  # of an invoice payment's `payment`


class Expander:
    """Expands one answer, in the version in which it is given."""

    def __init__(self, world: World, version: str | None) -> None:
        self._world = world
        self._version = version

    def expand(self, shown: Json, paths: list[str]) -> None:
        """Replace the ids at every path. Raises StripeProblem where there is nothing to expand."""
        for path in paths:
            names = path.split(".")
            if len(names) > _DEPTH_MAX:
                words = f"You cannot expand more than {_DEPTH_MAX} levels of a property ({path})."
                raise invalid(words, param="expand")
            self._walk(shown, names, path)

    def _walk(self, node: object, names: list[str], path: str) -> None:
        if not names or node is None:
            return
        if isinstance(node, list):
            for child in node:
                self._walk(child, names, path)
            return
        if not isinstance(node, dict):
            raise _cannot(path)
        name, rest = names[0], names[1:]
        if name in self._links(node):
            self._replace(node, name, path)
        elif not isinstance(node.get(name), dict | list):
            raise _cannot(path)
        self._walk(node.get(name), rest, path)

    def _links(self, node: Json) -> tuple[str, ...]:
        if "object" not in node:
            return _INSIDE
        return _LINKS.get(node["object"], ())

    def _replace(self, node: Json, name: str, path: str) -> None:
        if name == "refunds":
            charge = self._world.get("charge", node["id"])
            version = self._version or self._world.api_version
            tables, now = self._world.truth.tables, self._world.now()
            node[name] = shapes.embedded_refunds(charge, version, tables, now)
            return
        if name not in node:
            raise _cannot(path)
        if isinstance(node[name], str):
            node[name] = self._world.show(node[name], self._version)


def _cannot(path: str) -> Exception:
    return invalid(f"This property cannot be expanded ({path}).", param="expand")
