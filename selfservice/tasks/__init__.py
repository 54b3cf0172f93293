"""Tasks: API-type work that a node does in processes of its own when its API is called."""
