"""Ad-hoc commands on hosts, each of which becomes a run."""
