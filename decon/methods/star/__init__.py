"""P2's baselines on the star: SGD under a rule of aggregation, and RSA."""
