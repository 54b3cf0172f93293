"""A real master and two workers under faults, and a checker that judges what is left of them: docs/faults.md."""
