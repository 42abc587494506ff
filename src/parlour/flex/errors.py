"""Errors of Flex (flex.md §1.8)."""

from parlour.kit.errors import ContractError


def duplicate_channel(conversation_sid: str, channel_sid: str | None) -> ContractError:
    """45353: the conversation has an open interaction channel."""
    which = "an open Interaction Channel" if channel_sid is None else f"the open Interaction Channel {channel_sid}"
    return ContractError(45353, 409, f"Conversation {conversation_sid} already has {which}")


def conversation_closed(conversation_sid: str) -> ContractError:
    """45376: nobody can be added to a conversation that is closed or gone."""
    return ContractError(
        45376, 400, f"The participant cannot be added: Conversation {conversation_sid} is closed or was not found"
    )


def status_missing() -> ContractError:
    """45358: an update of a channel says no status."""
    return ContractError(45358, 400, "Missing required parameter Status in the post body")


def status_invalid(status: str, why: str) -> ContractError:
    """45359: a channel cannot take this status."""
    return ContractError(45359, 400, f"Invalid parameter Status: '{status}' {why}")


def invalid_channel(why: str) -> ContractError:
    """45366: the Channel of a create request cannot be used."""
    return ContractError(45366, 400, f"Invalid parameter Channel: {why}")


def invalid_routing(why: str) -> ContractError:
    """45004: the Routing of a request cannot be used."""
    return ContractError(45004, 400, f"Invalid parameter Routing: {why}")


def no_participants() -> ContractError:
    """45355: an outbound interaction names nobody to talk to."""
    return ContractError(45355, 400, "Invalid parameter Channel: participants must name at least one participant")


def not_configured() -> ContractError:
    """45101: the account has no Flex configuration."""
    return ContractError(45101, 404, "The account has no Flex configuration")


def closed_already(channel_sid: str) -> ContractError:
    """45354: the channel and its conversation are closed."""
    return ContractError(45354, 400, f"Interaction Channel {channel_sid} is closed already")


def not_an_agent(participant_sid: str) -> ContractError:
    """45362: the participant holds no reservation, so that it cannot leave as an agent does."""
    return ContractError(45362, 400, f"Participant {participant_sid} is no agent who is in the channel")


def not_yours(channel_sid: str) -> ContractError:
    """20403: another agent paused the channel."""
    return ContractError(20403, 403, f"Interaction Channel {channel_sid} was paused by another agent")


def invalid_participant(name: str, why: str) -> ContractError:
    """45367: a participant cannot be added with these properties."""
    return ContractError(45367, 400, f"Invalid parameter {name}: {why}")


def invalid_value(name: str, why: str) -> ContractError:
    """45004: a transfer or a key of the configuration cannot have this value."""
    return ContractError(45004, 400, f"Invalid parameter {name}: {why}")


def transfer_going(participant_sid: str) -> ContractError:
    """45007: the agent has a transfer that goes on."""
    return ContractError(45007, 409, f"Participant {participant_sid} has a transfer that is not over")
