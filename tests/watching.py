"""What is asked of a database while something is done: each statement, with its values."""

from dataclasses import dataclass, field

import sqlalchemy as sa


@dataclass
class Watch:
    """What an engine is asked within the block, to be counted or asked again."""

    engine: sa.Engine
    _asked: list[tuple[str, dict]] = field(default_factory=list)

    def __enter__(self) -> list[tuple[str, dict]]:
        sa.event.listen(self.engine, "before_cursor_execute", self._note)
        return self._asked

    def __exit__(self, *_: object) -> None:
        sa.event.remove(self.engine, "before_cursor_execute", self._note)

    def _note(self, _line, _cursor, text: str, values: dict, *_: object) -> None:
        self._asked.append((text, values))
