"""Everything that can go wrong on purpose.

    ReconcilerError
      Refused          a rule forbids it; asking again changes nothing
        Invalid        what was sent is malformed; `field` says where
        NotFound
        Forbidden
        Conflict       it was so once, and has changed meanwhile
        TooLarge       more bytes than we take
      Unavailable      out of reach and nothing happened; ask again later
        Collision      another transaction was in the way: begin again from the start
      OutcomeUnknown   sent, no answer; look on the rail before sending again

The kind decides what is done about it: the HTTP status, whether a job is tried
again, whether a person is told. A failed assertion is none of these: it is a
bug, and is left to crash.
"""


class ReconcilerError(Exception):
    """Anything this program raises on purpose."""


class Refused(ReconcilerError):
    """A rule forbids it; asking again changes nothing. `field` names the input at fault."""

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class Invalid(Refused):
    """What was sent is malformed."""


class NotFound(Refused):
    """There is no such thing."""


class Forbidden(Refused):
    """This person or key may not do that."""


class Conflict(Refused):
    """Somebody or something else was first."""


class TooLarge(Refused):
    """More bytes than are taken."""


class Unavailable(ReconcilerError):
    """Out of reach, and nothing happened; ask again later."""


class Collision(Unavailable):
    """Another transaction was in the way; nothing was written, and beginning again is right."""


class OutcomeUnknown(ReconcilerError):
    """Sent, but no answer came: look on the rail before sending again."""
