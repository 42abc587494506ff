"""Operations of participants (realtime-protocol.md §7.4)."""

from parlour.conversations import participant_updates, participants, permissions, services
from parlour.conversations.store.participants import Participant
from parlour.realtime.aim.actor import Place
from parlour.realtime.aim.bodies import CreateParticipant, UpdateParticipant, read, refuse
from parlour.realtime.aim.mutations import mutate
from parlour.realtime.aim.routes.common import CONVERSATION, at, operations, renderer, seen
from parlour.rest.errors import missing_parameter
from parlour.rest.operations import TOKEN, Answer, Call
from parlour.store.unit import Reader, UnitOfWork

NO_EMAIL = "email is not served here"


@operations.post(
    f"{CONVERSATION}/Participants",
    body="json",
    callers=TOKEN,
    rights=[permissions.JOIN_CONVERSATION, permissions.ADD_PARTICIPANT, permissions.ADD_ADDRESS],
)
async def create_participant(call: Call, _form: object) -> Answer:
    """Join, or add somebody else by identity or by binding."""
    wanted = read(call, CreateParticipant)

    async def work(uow: UnitOfWork) -> Answer:
        place = await at(uow, call)
        row = await (_add_bound(uow, place, wanted) if wanted.messaging_binding else _add_user(uow, place, wanted))
        return Answer(201, renderer(call).participant(row))

    return await mutate(call, work)


async def _add_user(uow: UnitOfWork, place: Place, wanted: CreateParticipant) -> Participant:
    if wanted.identity is None:
        raise missing_parameter("identity")
    joins = wanted.identity == place.actor.identity
    place.require(permissions.JOIN_CONVERSATION if joins else permissions.ADD_PARTICIPANT)
    role_sid = None
    if joins and place.made_by_actor:
        service = await services.fetch(uow, place.actor.chat_service_sid)
        role_sid = service.default_conversation_creator_role_sid
    return await participants.add(
        uow,
        place.sid,
        identity=wanted.identity,
        attributes=wanted.attributes or "{}",
        role_sid=role_sid,
        origin=place.actor.origin,
    )


async def _add_bound(uow: UnitOfWork, place: Place, wanted: CreateParticipant) -> Participant:
    binding = wanted.messaging_binding
    if binding is None:
        raise missing_parameter("messaging_binding")
    refuse("messaging_binding.name", binding.name, NO_EMAIL)
    refuse("messaging_binding.level", binding.level, NO_EMAIL)
    place.require(permissions.ADD_ADDRESS)
    return await participants.add(
        uow,
        place.sid,
        address=binding.address,
        proxy_address=binding.proxy_address,
        attributes=wanted.attributes or "{}",
        origin=place.actor.origin,
    )


@operations.get(f"{CONVERSATION}/Participants/{{Sid}}", callers=TOKEN, rights=[permissions.READ_PARTICIPANTS])
async def fetch_participant(call: Call, _form: object) -> Answer:
    """Fetch a participant by SID or identity."""

    async def work(reader: Reader) -> Participant:
        place = await seen(reader, call, permissions.READ_PARTICIPANTS)
        return await participants.fetch(reader, place.sid, call.path["Sid"])

    return Answer(200, renderer(call).participant(await call.read(work)))


@operations.post(
    f"{CONVERSATION}/Participants/{{Sid}}", body="json", callers=TOKEN, rights=[permissions.EDIT_PARTICIPANT]
)
async def update_participant(call: Call, _form: object) -> Answer:
    """Change the attributes of a participant."""
    wanted = read(call, UpdateParticipant)
    if wanted.attributes is None:
        raise missing_parameter("attributes")

    async def work(uow: UnitOfWork) -> Answer:
        place = await at(uow, call)
        row = await participants.fetch(uow, place.sid, call.path["Sid"])
        own = row.identity == place.actor.identity
        place.require(permissions.EDIT_PARTICIPANT, own=own)
        changed = participant_updates.Changes(attributes=wanted.attributes)
        row = await participant_updates.update(uow, place.sid, row.sid, changed, origin=place.actor.origin)
        return Answer(200, renderer(call).participant(row))

    return await mutate(call, work)


@operations.delete(f"{CONVERSATION}/Participants/{{Sid}}", callers=TOKEN, rights=[permissions.REMOVE_PARTICIPANT])
async def delete_participant(call: Call, _form: object) -> Answer:
    """Leave, or remove somebody else."""

    async def work(uow: UnitOfWork) -> Answer:
        place = await at(uow, call)
        row = await participants.fetch(uow, place.sid, call.path["Sid"])
        own = row.identity == place.actor.identity
        place.require(permissions.REMOVE_PARTICIPANT, own=own)
        await participants.remove(uow, place.sid, row.sid, origin=place.actor.origin, refuse_closed=True)
        return Answer(204)

    return await mutate(call, work)
