"""Serving an application with gunicorn: the same configuration by hand, by make and by systemd."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from selfservice.settings import CHECKOUT


def replace_this_process(role: str) -> None:
    """Become gunicorn with deploy/gunicorn-<role>.conf.py; does not return."""
    program = str(Path(sys.executable).parent / "gunicorn")
    configuration = str(CHECKOUT / "deploy" / f"gunicorn-{role}.conf.py")
    os.chdir(CHECKOUT)
    os.execv(program, [program, "--config", configuration])  # noqa: S606
