"""The core, and what is true of every process of it."""

import gc

# Reading all modules makes half a million things that stay. Python would look through them for
# garbage every 700 new ones, which takes a sixth of each start; and requests and jobs leave little.
gc.set_threshold(50_000, 10, 10)
