"""What is said and what became of it: scores, kinds, digests, decisions, as pure functions."""
