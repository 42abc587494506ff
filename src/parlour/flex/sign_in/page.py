"""The sign-in page: plain HTML that needs no script (ACCEPTANCE 9)."""

import base64
import hashlib
from functools import lru_cache
from html import escape
from importlib.resources import files
from string import Template
from typing import Final

from parlour.rest.operations import Answer

HTML: Final = "text/html; charset=utf-8"


def form(action: str, *, identity: str = "", notice: str = "", status: int = 200, redirect_origin: str = "") -> Answer:
    """Return the page with its form.

    :param action: where it is posted: the request's own address, so that nothing is kept between page and answer.
    :param identity: what was typed as user name.
    :param notice: what was wrong, in a sentence.
    :param redirect_origin: where the answer may lead beside this origin.
    """
    shown = _template("form.html").substitute(
        action=escape(action),
        identity=escape(identity),
        identity_focus="" if identity else " autofocus",
        password_focus=" autofocus" if identity else "",
        described=' aria-describedby="notice" aria-invalid="true"' if notice else "",
    )
    return _page("Sign in", notice, shown, status, redirect_origin)


def problem(notice: str, status: int) -> Answer:
    """Return a page that says what is wrong with the request itself."""
    return _page("Sign in", notice, "", status, "")


def _page(title: str, notice: str, shown: str, status: int, redirect_origin: str) -> Answer:
    said = f'<p class="notice" id="notice" role="alert">{escape(notice)}</p>' if notice else ""
    style = _text("page.css")
    page = _template("page.html").substitute(title=escape(title), style=style, notice=said, form=shown)
    return Answer(status, page.encode(), _headers(style, redirect_origin), HTML)


def _headers(style: str, redirect_origin: str) -> dict[str, str]:
    known = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return {
        "Cache-Control": "no-store",
        "Content-Security-Policy": (
            f"default-src 'none'; style-src 'sha256-{known}'; form-action 'self' {redirect_origin}; "
            "base-uri 'none'; frame-ancestors 'none'"
        ),
        "Referrer-Policy": "same-origin",  # with none at all a browser would not say where the form came from
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }


@lru_cache
def _text(name: str) -> str:
    return files("parlour.flex.sign_in").joinpath(name).read_text().rstrip("\n")


def _template(name: str) -> Template:
    return Template(_text(name))
