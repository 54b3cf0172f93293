"""Alerts: messages shown to people on every page until they are dismissed or expire."""
