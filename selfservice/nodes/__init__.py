"""Machines: the inventory's hosts and the nodes that run this program."""
