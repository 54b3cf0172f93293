"""The supervisor's processes end with it, also where it dies while it starts them."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial

from selfservice.node.supervisor import end_with

_NOT_OUR_PARENT = 1


def test_a_process_whose_supervisor_has_died_before_it_began_does_not_begin() -> None:
    words = [sys.executable, "-c", "print('begun')"]
    begun = subprocess.run(words, preexec_fn=partial(end_with, os.getpid()), capture_output=True, text=True)
    assert begun.stdout == "begun\n"
    orphan = subprocess.run(words, preexec_fn=partial(end_with, _NOT_OUR_PARENT), capture_output=True, text=True)
    assert (orphan.returncode, orphan.stdout) == (1, "")
