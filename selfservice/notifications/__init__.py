"""Notifications: what happens is told outside of the dashboard, to targets that people name."""
