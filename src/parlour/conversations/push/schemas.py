"""Forms of push notifications (conversations.md §8.3, §9)."""

from typing import Annotated, Final

from parlour.rest.forms import Form, Limit, choice, param

NOTHING_PUSHED: Final = "nothing is delivered by push"
NAME_MAX: Final = 64  # characters
TEMPLATE_MAX: Final = 2048  # characters; the contract names a code and no figure
SOUND_MAX: Final = 256  # characters; the same
TYPES: Final = ("apn", "gcm", "fcm")
BINDING_TYPES: Final = (*TYPES, "twilsock")

Name = Annotated[str, Limit(max=NAME_MAX, code=50003)]
Template = Annotated[str, Limit(max=TEMPLATE_MAX, code=50058)]
Sound = Annotated[str, Limit(max=SOUND_MAX, code=50059)]


class UpdateCredential(Form):
    """Parameters of a changed credential."""

    type: Annotated[str, choice(*TYPES)] | None = None
    friendly_name: Name | None = None
    certificate: str | None = None
    private_key: str | None = None
    sandbox: bool | None = None
    api_key: str | None = None
    secret: str | None = None


class CreateCredential(UpdateCredential, kw_only=True):
    """Parameters of a new credential."""

    type: Annotated[str, choice(*TYPES)]


class ListBindings(Form):
    """Filters of the list of bindings, each repeatable."""

    binding_type: list[Annotated[str, choice(*BINDING_TYPES, code=50209)]] = param("BindingType", default_factory=list)
    identity: list[str] = param("Identity", default_factory=list)


class UpdateNotifications(Form):
    """Parameters of a service's notifications."""

    log_enabled: bool | None = None
    new_message_enabled: bool | None = param("NewMessage.Enabled")
    new_message_template: Template | None = param("NewMessage.Template")
    new_message_sound: Sound | None = param("NewMessage.Sound")
    new_message_badge_count_enabled: bool | None = param("NewMessage.BadgeCountEnabled")
    new_message_with_media_enabled: bool | None = param("NewMessage.WithMedia.Enabled")
    new_message_with_media_template: Template | None = param("NewMessage.WithMedia.Template")
    added_enabled: bool | None = param("AddedToConversation.Enabled")
    added_template: Template | None = param("AddedToConversation.Template")
    added_sound: Sound | None = param("AddedToConversation.Sound")
    removed_enabled: bool | None = param("RemovedFromConversation.Enabled")
    removed_template: Template | None = param("RemovedFromConversation.Template")
    removed_sound: Sound | None = param("RemovedFromConversation.Sound")
