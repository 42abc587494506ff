"""Where a page of steps or revisions goes on."""

from parlour.rest.errors import invalid_parameter
from parlour.rest.operations import Page


def position(page: Page) -> int | None:
    """Return the number after which a page goes on, None at the first. Errors: 20001 the token is none."""
    if page.token is None:
        return None
    if not (page.token.isascii() and page.token.isdigit() and len(page.token) < 10):
        raise invalid_parameter("PageToken", "it is not one that a list gave")
    return int(page.token)
