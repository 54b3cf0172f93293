"""Templates are compiled once, and not again at every start: the first view of a page takes no longer than others."""

from __future__ import annotations

import logging
from pathlib import Path

from jinja2 import FileSystemBytecodeCache
from jinja2.bccache import Bucket

log = logging.getLogger(__name__)


class CompiledTemplates(FileSystemBytecodeCache):
    """Those of one node; a template that has changed is compiled anew."""

    def __init__(self, folder: Path) -> None:
        """Keep them in `folder`, which nobody else may write to: what lies there is executed."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left_by_a_kill in folder.glob("*.tmp"):
            left_by_a_kill.unlink(missing_ok=True)
        super().__init__(str(folder))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep one, where that can be: a full disk is no reason to show no page."""
        try:
            super().dump_bytecode(bucket)
        except OSError as error:
            log.warning("a compiled template is not kept: %s", error)
