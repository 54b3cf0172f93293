"""How this program keeps things on disk: whole or absent, durable before anybody is told."""
