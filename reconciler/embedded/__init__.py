"""PostgreSQL and Redis for a machine that has neither: `./run`, `./test` and the command line.

Each data folder has its own servers. Who uses one holds a shared lock on a file of that folder;
a keeper process (keeper.py) runs the server, starts it again if it dies, and stops it in good
order when the last holder is gone. The kernel drops a lock with its holder, so this also holds
after `kill -9`, and no process ever has to guess whether somebody else still needs the server.
"""

from reconciler.embedded.client import (
    DidNotStart,
    Endpoints,
    ensure_postgres,
    ensure_redis,
    find_postgres,
    find_redis,
    stop,
    tend,
)

__all__ = [
    "DidNotStart",
    "Endpoints",
    "ensure_postgres",
    "ensure_redis",
    "find_postgres",
    "find_redis",
    "stop",
    "tend",
]
