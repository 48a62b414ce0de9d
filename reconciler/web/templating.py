"""Templates of every page and paper: everything is escaped, a missing value is an error."""

import functools
import hashlib
from collections.abc import Callable
from pathlib import Path

from flask import url_for
from jinja2 import Environment, FileSystemLoader, StrictUndefined


def environment(folder: Path) -> Environment:
    """The templates of a folder; whoever calls adds words of their own."""
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def assets(endpoint: str, folder: Path) -> Callable[[str], str]:
    """Where a static file is; its address changes with its content, so it may be kept for ever."""

    @functools.cache
    def digest(name: str) -> str:
        return hashlib.sha256((folder / name).read_bytes()).hexdigest()[:6]

    def asset(name: str) -> str:
        return url_for(endpoint, filename=name, v=digest(name))

    return asset
