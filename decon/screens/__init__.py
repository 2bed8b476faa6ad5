"""Who is believed: screening rules and the detection report."""
