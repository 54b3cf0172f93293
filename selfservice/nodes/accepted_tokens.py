"""The tokens by which a node may be called: only their hashes are here, told by the master."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from selfservice.nodes.own_token import own_token
from selfservice.nodes.tokens import hash_of, is_one_of
from selfservice.settings import NodeType, Settings
from selfservice.store import files

log = logging.getLogger(__name__)

_FILE = "accepted_tokens.json"


class AcceptedTokens:
    """What this node accepts; a master accepts its own token, a worker what its master has told it."""

    def __init__(self, settings: Settings) -> None:
        """Take over what was told before."""
        self._settings = settings
        self._path = settings.instance / _FILE
        self._hashes: tuple[str, ...] = self._kept()

    @property
    def hashes(self) -> tuple[str, ...]:
        """SHA-256 of each token."""
        if self._settings.node_type is NodeType.MASTER:
            return (hash_of(own_token(self._settings)),)
        return self._hashes

    def accept(self, token: str) -> bool:
        """Whether a call with this token is let in."""
        return is_one_of(token, self.hashes)

    def replace(self, hashes: Sequence[str]) -> None:
        """From now on these, and no others; durable. Raises OSError."""
        if tuple(hashes) != self._hashes and self._settings.node_type is NodeType.WORKER:
            files.write_json(self._path, list(hashes))
            self._hashes = tuple(hashes)

    def _kept(self) -> tuple[str, ...]:
        try:
            return tuple(map(str, files.read_json(self._path)))
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, TypeError) as error:
            log.error("%s cannot be read, the master will tell it anew: %s", self._path, error)
            return ()
