"""Secret values, hidden in whatever is kept of a run: as they are, and as they are mostly written down."""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

from selfservice.settings import MASK

#: A shorter value would be found in words that have nothing to do with it.
SHORTEST_HIDDEN = 4
#: Where the lines of wrapped Base64 end: RFC 2045 (MIME) and RFC 7468 (PEM).
_WRAPPED_AT = (76, 64)


class Veil:
    """Hides the values of secrets in texts and JSON values."""

    def __init__(self, secrets: Mapping[str, Any]) -> None:
        """Hide every text in `secrets`, and each of its lines, also Base64-, URL-, JSON-, HTML- or shell-encoded."""
        texts = {text for text in _texts(secrets) if len(text) >= SHORTEST_HIDDEN}
        forms = {form for text in texts for form in _forms(text) if len(form) >= SHORTEST_HIDDEN}
        self._forms = sorted(forms, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, self._forms))) if forms else None

    def text(self, text: str) -> str:
        """`text` with every secret masked."""
        return self._pattern.sub(MASK, text) if self._pattern else text

    def value(self, value: Any) -> Any:
        """The same for all texts in a JSON value."""
        if self._pattern is None:
            return value
        if isinstance(value, dict):
            return {self.value(key): self.value(each) for key, each in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.value(each) for each in value]
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and self._pattern.fullmatch(str(value)):
            return MASK
        return value

    def settled(self, text: str) -> int:
        """Up to where `text` stays as it is, or is masked, whatever comes behind it."""
        end = len(text) - self._open_end(text)
        for found in self._pattern.finditer(text) if self._pattern and end < len(text) else ():
            if found.start() < end < found.end():
                return found.start()
        return end

    def _open_end(self, text: str) -> int:
        """How many characters at the end of `text` may be the beginning of a secret that goes on."""
        longest = 0
        for form in self._forms:
            place = text.find(form[0], max(0, len(text) - len(form) + 1))
            while place >= 0 and len(text) - place > longest:
                if form.startswith(text[place:]):
                    longest = len(text) - place
                    break
                place = text.find(form[0], place + 1)
        return longest


class VeiledStream:
    """Passes text on with its secrets masked, also where one comes in two pieces."""

    def __init__(self, veil: Veil, write: Callable[[str], None]) -> None:
        """Write what is known to be no secret with `write`."""
        self._veil = veil
        self._write = write
        self._held = ""

    def add(self, text: str) -> None:
        """Pass on what is complete; the beginning of what may be a secret waits for the rest."""
        whole = self._held + text
        settled = self._veil.settled(whole)
        self._held = whole[settled:]
        if settled:
            self._write(self._veil.text(whole[:settled]))

    def end(self) -> None:
        """Pass on what waited: nothing more comes."""
        held, self._held = self._held, ""
        if held:
            self._write(self._veil.text(held))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _texts(each)
    elif value is not None and not isinstance(value, bool):
        yield str(value)
        yield from str(value).splitlines()


def _forms(text: str) -> Iterator[str]:
    """The text as it may stand somewhere."""
    yield text
    for ascii_only in (True, False):
        written = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        yield written
        yield json.dumps(written, ensure_ascii=ascii_only)[1:-1]
    yield repr(text)[1:-1]
    yield text.replace("'", "''")  # single-quoted YAML
    yield html.escape(text)
    yield shlex.quote(text)[1:-1] if "'" in text else text
    for encoded in (quote(text, safe=""), quote(text), quote_plus(text), quote(text, safe="~()*!.'")):
        yield encoded
        yield re.sub("%[0-9A-F]{2}", lambda found: found.group().lower(), encoded)
    content = text.encode("utf-8", "surrogatepass")
    yield content.hex()
    yield content.hex().upper()
    yield from _base64_forms(content)


def _base64_forms(content: bytes) -> Iterator[str]:
    """Base64 of it alone, and what it looks like wherever it stands in something that is encoded as a whole."""
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        alone = encode(content).decode()
        yield alone
        yield alone.rstrip("=")
        for width in _WRAPPED_AT:
            if len(alone) > width:
                yield from (alone[start : start + width] for start in range(0, len(alone), width))
        for before in range(3):
            # The first characters share bits with what stands before it, the last with what comes behind.
            whole = encode(b"\0" * before + content).decode()
            yield whole[(0, 2, 3)[before] : 8 * (before + len(content)) // 6]
