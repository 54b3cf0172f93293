"""Schedules: operations and commands that run at times."""
