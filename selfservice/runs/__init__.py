"""Runs: one ansible-runner execution each, one folder each, from queued to its end."""
