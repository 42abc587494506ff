"""The floor of messaging."""

from parlour.messaging.routes import messages, numbers
from parlour.package import Package


def package() -> Package:
    """Return what the floor offers."""
    return Package(
        name="messaging", migrations="parlour.messaging", operations=[messages.operations, numbers.operations]
    )
