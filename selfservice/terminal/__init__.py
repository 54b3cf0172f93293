"""Runs of ansible-playbook in a terminal of the master, recorded like those of the dashboard."""
