"""What Flex does when an account is made."""

from parlour.flex import configuration
from parlour.flex.orchestration import reactions
from parlour.outbox.facts import Event
from parlour.store.unit import UnitOfWork


@reactions.inside("account.created/1")
async def provision(uow: UnitOfWork, _event: Event) -> None:
    """Make the Flex workspace and configuration of a new account."""
    await configuration.provision(uow)
