"""Playbooks run by hand: `ansible-playbook` in a terminal of the master becomes a run like any other."""
