"""A built-in Stripe over real HTTP, for the demo and for tests.

It shares no code with the rail that talks to it: what it says about money is the other
half of every comparison. It imports nothing from the rest of the program.
"""
