"""How fast, against what the machine can do at most in the same run."""
