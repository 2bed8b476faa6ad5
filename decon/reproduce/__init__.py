"""Both papers' experiments, run again and held against what the papers say."""
