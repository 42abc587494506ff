"""The floor of Studio."""

from parlour.package import Package
from parlour.studio import events, routes


def package() -> Package:
    """Return what the floor offers."""
    return Package(
        name="studio",
        migrations="parlour.studio",
        operations=[routes.operations],
        reactions=[events.reactions],
    )
