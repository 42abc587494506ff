"""The floor of content templates."""

from parlour.content.routes import operations
from parlour.package import Package


def package() -> Package:
    """Return what the floor offers."""
    return Package(name="content", migrations="parlour.content", operations=[operations])
