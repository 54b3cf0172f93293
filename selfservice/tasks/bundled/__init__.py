"""The task types that come with the program."""
