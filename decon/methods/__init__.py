"""Who computes what: the methods, their local steps and parameters."""
