"""What Flex does when an account is made, and when a conversation comes under it."""

from parlour.conversations import attachments
from parlour.flex import configuration
from parlour.outbox.facts import Event
from parlour.outbox.reactions import Reactions
from parlour.store.unit import UnitOfWork

reactions = Reactions("flex")


@reactions.inside("account.created/1")
async def provision(uow: UnitOfWork, _event: Event) -> None:
    """Make the Flex workspace and configuration of a new account."""
    await configuration.provision(uow)


@reactions.inside("interaction.created/1")
async def limit_attachments(uow: UnitOfWork, event: Event) -> None:
    """Have the limits of the channel's type hold in its conversation (flex.md §3.3)."""
    kind = event.snapshot["channel_type"]
    attachments.set_scope(uow, event.snapshot["conversation_sid"], "web" if kind == "chat" else kind)
