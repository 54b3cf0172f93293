"""The tables of every version of this program, step by step, by Alembic: one revision a file in `versions`."""
