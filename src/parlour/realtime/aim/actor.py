"""Who acts through the client API, and what the actor may see and do (realtime-protocol.md §7, conversations.md §7)."""

from collections.abc import Collection
from dataclasses import dataclass

from parlour.accounts import grants
from parlour.conversations import conversations, errors, permissions, users
from parlour.conversations.events import Origin
from parlour.conversations.store import participants as participant_store
from parlour.conversations.store.conversations import Conversation
from parlour.conversations.store.participants import Participant
from parlour.conversations.store.users import User
from parlour.rest.operations import Caller
from parlour.rest.rights import Right, Standing
from parlour.store.unit import Reader, UnitOfWork

SOURCE = "SDK"


@dataclass(frozen=True, slots=True)
class Actor:
    """The user of an access token."""

    caller: Caller
    user: User

    @property
    def identity(self) -> str:
        """Return the identity."""
        return self.user.identity

    @property
    def chat_service_sid(self) -> str:
        """Return the service in which the actor acts."""
        return self.user.chat_service_sid

    @property
    def origin(self) -> Origin:
        """Return where the actor's actions come from: webhooks hear of them (conversations.md §6.3)."""
        return Origin(source=SOURCE, client_identity=self.identity)

    async def permissions(self, reader: Reader, participant: Participant | None = None) -> frozenset[str]:
        """Return what the actor may do, in a conversation where its participant is given."""
        return await permissions.of(
            reader,
            self.chat_service_sid,
            user=self.user,
            participant=participant,
            service_roles=grants.flex_roles(self.caller),
        )


@dataclass(frozen=True, slots=True)
class Place:
    """A conversation as an actor finds it.

    :ivar participant: the actor's, None for one who does not take part.
    :ivar granted: what the actor may do in it.
    :ivar standing: how near the actor stands to it.
    """

    actor: Actor
    conversation: Conversation
    participant: Participant | None
    granted: Collection[str]
    standing: Standing

    @property
    def sid(self) -> str:
        """Return the SID of the conversation."""
        return self.conversation.sid

    @property
    def made_by_actor(self) -> bool:
        """Tell whether the actor created the conversation."""
        return self.conversation.created_by == self.actor.identity

    def require(self, right: Right, *, own: bool = False) -> None:
        """Refuse what the actor may not do here.

        :param own: what it is about, such as a message, is the actor's own.
        :raises ContractError: 403/50430 for one who does not take part; 403/50107, the roles do not allow it.
        """
        if self.standing < right.standing:
            raise errors.NOT_A_PARTICIPANT.error(identity=self.actor.identity, sid=self.sid)
        permissions.require(self.granted, right, own=own, made=self.made_by_actor)


async def ensure(uow: UnitOfWork, caller: Caller) -> Actor:
    """Return the actor; a user is made when the identity first appears (conversations.md §9). Error: 403 no grant."""
    service = grants.chat_service(caller)
    return Actor(caller, await users.ensure(uow, chat_service_sid=service, identity=grants.identity(caller)))


async def find(reader: Reader, caller: Caller) -> Actor:
    """Return an actor who has been here. Errors: 403 no grant, 404/20404 the user was never made."""
    service = grants.chat_service(caller)
    return Actor(caller, await users.fetch(reader, grants.identity(caller), chat_service_sid=service))


async def place(reader: Reader, actor: Actor, sid_or_unique_name: str) -> Place:
    """Return a conversation that the actor may see. Errors: 404/20404, 403/50107 it is not for the actor."""
    row = await conversations.fetch(reader, sid_or_unique_name, scope=actor.chat_service_sid)
    participant = await participant_store.find_identity(reader, row.sid, actor.identity)
    granted = await actor.permissions(reader, participant)
    standing = permissions.standing(
        granted,
        takes_part=participant is not None,
        leads=grants.leads(actor.caller),
        made=row.created_by == actor.identity,
    )
    if standing is None:
        raise errors.NOT_PERMITTED.error(permission=permissions.JOIN)
    return Place(actor, row, participant, granted, standing)
