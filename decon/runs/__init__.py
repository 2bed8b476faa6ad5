"""One round, one loop: a run from its options to its result."""
