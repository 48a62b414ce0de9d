"""How fast, against what the machine can do at most; and whether a refund ever goes twice."""
