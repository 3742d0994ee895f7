"""How sure: open-set scores, probabilities, candidate sets."""
