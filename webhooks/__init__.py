"""Rails speak to us."""
