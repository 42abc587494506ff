"""The floor of messaging."""

from parlour.messaging.events import make_reactions
from parlour.messaging.routes import messages, numbers, services
from parlour.package import Package
from parlour.webhooks.delivery import Deliverer


def package(deliverer: Deliverer) -> Package:
    """Return what the floor offers."""
    return Package(
        name="messaging",
        migrations="parlour.messaging",
        operations=[messages.operations, numbers.operations, services.operations],
        reactions=[make_reactions(deliverer)],
    )
