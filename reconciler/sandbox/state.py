"""Keeps the world in a file, so that the next start finds the same money."""

import json
import os
from pathlib import Path

from reconciler.sandbox.core import Truth
from reconciler.sandbox.world import World


def keep(world: World, path: Path) -> None:
    """Take up what the file holds, if there is one, and write each change to it from now on."""
    if path.exists():
        world.restore(Truth(**json.loads(path.read_text())))
    world.on_change.append(lambda: _write(world, path))


def _write(world: World, path: Path) -> None:
    draft = path.with_suffix(".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(world.dump())
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
