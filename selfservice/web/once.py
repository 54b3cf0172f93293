"""One click, one launch: the idempotency key of a form as it was sent."""

from __future__ import annotations

import hashlib
import json

from flask import request

_NO_CONTENT = ("csrf_token",)


def form_key() -> str:
    """The same for the same page sent twice; another where the page is loaded anew or something is changed.

    Empty where the form has no key of its own.
    """
    if not request.form.get("key"):
        return ""
    content = sorted((name, value) for name, value in request.form.items(multi=True) if name not in _NO_CONTENT)
    return f"form:{hashlib.sha256(json.dumps(content).encode('utf-8', 'surrogatepass')).hexdigest()[:40]}"
