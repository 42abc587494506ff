"""What Flex does when an account is made."""

from parlour.flex import configuration
from parlour.outbox.facts import Event
from parlour.outbox.reactions import Reactions
from parlour.store.unit import UnitOfWork

reactions = Reactions("flex")


@reactions.inside("account.created/1")
async def provision(uow: UnitOfWork, _event: Event) -> None:
    """Make the Flex workspace and configuration of a new account."""
    await configuration.provision(uow)
