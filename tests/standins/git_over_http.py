"""Git over http as Bitbucket Data Center offers it: git's own http-backend behind the stand-in's rules."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from collections.abc import Collection
from pathlib import Path

from flask import Response, request

_BACKEND = "/usr/lib/git-core/git-http-backend"
_HOOK = """#!/bin/sh
while read -r _ _ name; do
  for each in {protected}; do
    if [ "$name" = "refs/heads/$each" ]; then
      echo "Branch $name can only be modified through pull requests." >&2
      exit 1
    fi
  done
done
"""


def answer(folder: Path, path: str, protected: Collection[str]) -> Response:
    """What git answers to this request for the bare repository `folder`."""
    with tempfile.TemporaryDirectory() as hooks:
        hook = Path(hooks) / "pre-receive"
        hook.write_text(_HOOK.format(protected=" ".join(map(shlex.quote, protected))))
        hook.chmod(0o700)
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_COUNT": "2",
            "GIT_CONFIG_KEY_0": "core.hooksPath",
            "GIT_CONFIG_VALUE_0": hooks,
            "GIT_CONFIG_KEY_1": "uploadpack.allowFilter",
            "GIT_CONFIG_VALUE_1": "true",
            "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
            "REMOTE_USER": "token",
            "PATH_INFO": f"/{path}",
            "QUERY_STRING": request.query_string.decode(),
            "REQUEST_METHOD": request.method,
            "CONTENT_TYPE": request.content_type or "",
            "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
        }
        done = subprocess.run([_BACKEND], input=request.get_data(), capture_output=True, env=environment, check=True)
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
    status = int(headers.pop("Status", "200").split()[0])
    return Response(body, status, headers)
