"""What parameters of tasks are made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

LONGEST_PATH = 4096

#: An absolute path on the node.
NodePath = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST_PATH, pattern=r"^/[^\x00-\x1f]*$"),
    Field(description="An absolute path on the node.", examples=["/srv"]),
]
HostName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9._:-]+$"),
    Field(description="A name or an address, as the node sees it."),
]
Port = Annotated[int, Field(ge=1, le=65535, description="A TCP port.")]
Seconds = Annotated[int, Field(ge=1, le=30, description="Seconds to wait for an answer.")]
