"""Scopes in the caches over runs and actions: each kept once, so that a filter is a short list of numbers."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import astuple

from selfservice.scope import Scope, Sight, sees

#: To be run where a cache is made anew; the mark tells numbers of an older file from these.
SCHEMA = """
DROP TABLE IF EXISTS scopes; DROP TABLE IF EXISTS scopes_mark;
CREATE TABLE scopes (id INTEGER PRIMARY KEY, value TEXT NOT NULL UNIQUE);
CREATE TABLE scopes_mark (mark TEXT NOT NULL);
INSERT INTO scopes_mark VALUES (hex(randomblob(8)));
"""
_MOST_SIGHTS = 200


class Scopes:
    """The scopes of one cache file, remembered from query to query; safe under many threads."""

    def __init__(self) -> None:
        """Know none yet."""
        self._lock = threading.Lock()
        self._mark = ""
        self._known: dict[int, Scope] = {}
        #: By the key of a sight: up to which scope was looked, and what is seen of them, as JSON.
        self._seen: OrderedDict[Hashable, tuple[int, str]] = OrderedDict()

    @staticmethod
    def number_of(connection: sqlite3.Connection, scope: Scope) -> int:
        """The number of a scope, a new one where it is new."""
        if scope.project:
            scope = Scope(scope.project)  # it alone decides, so that all that is done in it has one number
        value = json.dumps(astuple(scope), ensure_ascii=False, separators=(",", ":"))
        connection.execute("INSERT OR IGNORE INTO scopes (value) VALUES (?)", [value])
        (number,) = connection.execute("SELECT id FROM scopes WHERE value = ?", [value]).fetchone()
        return int(number)

    def seen(self, connection: sqlite3.Connection, sight: Sight) -> str:
        """The numbers of all scopes that `sight` sees, as a JSON list: for `IN (SELECT value FROM json_each(?))`."""
        with self._lock:
            self._read_on(connection)
            newest = max(self._known, default=0)
            looked, text = self._seen.get(sight.key, (-1, ""))
            if looked != newest:
                text = json.dumps([number for number, scope in self._known.items() if sees(sight, scope)])
                self._seen[sight.key] = (newest, text)
            self._seen.move_to_end(sight.key)
            if len(self._seen) > _MOST_SIGHTS:
                self._seen.popitem(last=False)
            return text

    def _read_on(self, connection: sqlite3.Connection) -> None:
        (mark,) = connection.execute("SELECT mark FROM scopes_mark").fetchone()
        if mark != self._mark:
            self._mark = mark
            self._known.clear()
            self._seen.clear()
        newest = max(self._known, default=0)
        for number, value in connection.execute("SELECT id, value FROM scopes WHERE id > ?", [newest]):
            project, hosts, operation, repository = json.loads(value)
            self._known[number] = Scope(project, tuple(hosts), operation, repository)
