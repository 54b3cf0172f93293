"""Projects: what belongs together, who has access to it, its secrets and how its hosts are reached."""
