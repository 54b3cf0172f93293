"""API calls: people send a task or a request to many nodes at once, and see each answer."""
