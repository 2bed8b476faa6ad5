"""An experiment in words: one grammar for flags, TOML and studies."""
