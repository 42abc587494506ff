"""The carrier's signature on its webhooks (conversations.md §6.8), apart from the server's on purpose."""

from __future__ import annotations

import base64
import hashlib
import hmac


def sign(auth_token: str, url: str, form: dict[str, str] | None) -> str:
    """Return `X-Twilio-Signature` for a form POST (or a GET with `form` None) to `url`."""
    text = url.split("#", 1)[0]
    if form is not None:
        text += "".join(f"{name}{form[name]}" for name in sorted(form))
    digest = hmac.new(auth_token.encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()
