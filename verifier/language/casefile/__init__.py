"""TOML → `Case`, every mistake with its place. Runs no code."""
