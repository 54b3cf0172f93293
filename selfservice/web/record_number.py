"""Numbers in addresses: none is larger than the database counts, so what is larger is not there."""

from __future__ import annotations

from werkzeug.routing import IntegerConverter, Map

#: The largest INTEGER of PostgreSQL; SQLite counts further.
_LARGEST = 2**31 - 1


class RecordNumber(IntegerConverter):
    """`<int:…>` of every address."""

    def __init__(self, map: Map) -> None:
        """Take a number that a record can have."""
        super().__init__(map, max=_LARGEST)
