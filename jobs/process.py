"""The runtime of a worker or clock process: made once, before any fork."""

import functools

from reconciler.logs import set_up_logs
from reconciler.runtime import Runtime
from reconciler.settings import from_environment


@functools.cache
def runtime() -> Runtime:
    """This process's runtime. Raises SettingsError when the environment is not fit for work."""
    set_up_logs()
    return Runtime.from_settings(from_environment().checked_for_work(), pool_size=2)
