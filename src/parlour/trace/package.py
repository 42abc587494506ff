"""The floor of traces: nobody calls it, it only reads."""

from parlour.package import Package
from parlour.trace import routes


def package() -> Package:
    """Return what the floor offers."""
    return Package(name="trace", operations=[routes.operations])
