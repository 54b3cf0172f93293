"""Addresses of nodes and paths on them: nothing leads to another machine."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfservice.errors import BadInput
from selfservice.nodes.address import node_address, node_name, path_on_node


@pytest.mark.parametrize(
    "address", ["https://web-1.example.org:5001", "https://192.0.2.1", "http://127.0.0.1:5001", "http://localhost:5001"]
)
def test_an_address_is_scheme_host_and_port(address: str) -> None:
    assert node_address(f" {address}/ ") == address


@pytest.mark.parametrize(
    "address",
    [
        "", "web-1", "ftp://web-1", "http://web-1.example.org", "https://", "https://a b", "https://name@web-1",
        "https://web-1/path", "https://web-1?q", "https://web-1#f", "https://web-1:0", "https://web-1:99999",
        "https://web-1\\@evil", "https://web%2d1", "javascript:alert(1)", "https://[::1", "http://127.0.0.1@evil:80",
    ],
)  # fmt: skip
def test_anything_else_is_refused(address: str) -> None:
    with pytest.raises(BadInput):
        node_address(address)


@pytest.mark.parametrize("name", ["", "-a", "a-", "a_b", "a.b", "ä", "a" * 64, "../a", "a/b"])
def test_a_name_is_one_label(name: str) -> None:
    with pytest.raises(BadInput):
        node_name(name)


@pytest.mark.parametrize(
    "path", ["", "x", "//evil.example.org/", "/\\evil", "/a b", "/a\nb", "/#f", "/" * 2001, "http://evil/"]
)
def test_a_path_begins_with_one_slash(path: str) -> None:
    with pytest.raises(BadInput):
        path_on_node(path)


@given(st.text(max_size=60))
def test_no_path_changes_the_host(path: str) -> None:
    try:
        url = "https://web-1.example.org:5001" + path_on_node(path)
    except BadInput:
        return
    assert urlsplit(url).netloc == "web-1.example.org:5001"
