"""What the program bears on this machine, each scenario on a master of its own: `make load`."""
