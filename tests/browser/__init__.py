"""The dashboard as people meet it: a real master, real SSH hosts, a real browser."""
