"""The first page: for each person what is theirs, put together from panels that their permissions bring."""
