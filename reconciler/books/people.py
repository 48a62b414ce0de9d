"""Who may do what: people by their role, programs by the scope of their key."""

from enum import StrEnum


class Role(StrEnum):
    """What a person may do. Each role may do all that the ones before it may."""

    VIEWER = "viewer"  # look
    RECONCILER = "reconciler"  # documents, matching, asking for refunds
    APPROVER = "approver"  # approving refunds that others asked for
    ADMIN = "admin"  # people, keys, switches, replays


class Scope(StrEnum):
    """What a program's key may do. All but `admin` do one thing; reading comes with each."""

    READ = "read"
    WRITE = "write"  # documents, matching, resolving questions
    REFUND = "refund"  # asking for, approving and settling refunds, but changing no document
    ADMIN = "admin"


_RANK = {role: rank for rank, role in enumerate(Role)}
_GRANTS = {
    Scope.READ: frozenset({Scope.READ}),
    Scope.WRITE: frozenset({Scope.READ, Scope.WRITE}),
    Scope.REFUND: frozenset({Scope.READ, Scope.REFUND}),
    Scope.ADMIN: frozenset(Scope),
}


def is_at_least(role: Role, needed: Role) -> bool:
    """Whether `role` may do what `needed` may."""
    return _RANK[role] >= _RANK[needed]


def grants(scope: Scope, needed: Scope) -> bool:
    """Whether a key of `scope` may do what needs `needed`."""
    return needed in _GRANTS[scope]
