"""The floor of messaging."""

from typing import Final

from parlour.messaging import services
from parlour.messaging.routes import messages, numbers
from parlour.messaging.routes import services as service_routes
from parlour.outbox.facts import Event
from parlour.outbox.reactions import Reactions
from parlour.package import Package
from parlour.store.unit import UnitOfWork

reactions: Final = Reactions("messaging")


@reactions.inside("account.created/1")
async def provision(uow: UnitOfWork, _event: Event) -> None:
    """Give a new account the messaging service that its conversations have."""
    await services.create_default(uow)


def package() -> Package:
    """Return what the floor offers."""
    return Package(
        name="messaging",
        migrations="parlour.messaging",
        operations=[messages.operations, numbers.operations, service_routes.operations],
        reactions=[reactions],
    )
