"""The worker's application: wiring only."""
