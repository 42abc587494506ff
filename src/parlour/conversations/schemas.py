"""Forms of the operations: published parameters and their limits (conversations.md §1.4, §11).

Limits with a code of their own are checked by the rules, so that every caller meets them, not only REST.
"""

from datetime import datetime
from typing import Annotated, Final

from parlour.rest.forms import Form, Limit, choice, param

EMAIL = "the e-mail channel is not served"
REFUSED_BINDINGS: Final = {"Bindings.Email.Address": EMAIL, "Bindings.Email.Name": EMAIL}


class WriteConversation(Form):
    """Parameters of creating and of updating a conversation."""

    friendly_name: str | None = None
    unique_name: str | None = None
    date_created: str | None = None
    date_updated: str | None = None
    messaging_service_sid: str | None = None
    attributes: str | None = None
    state: str | None = None
    timers_inactive: str | None = param("Timers.Inactive")
    timers_closed: str | None = param("Timers.Closed")


class CreateConversationWithParticipants(WriteConversation):
    """Parameters of a conversation with its first participants, each a JSON object."""

    participant: list[str] = param("Participant", default_factory=list)


class ListConversations(Form):
    """Filters of the list of conversations."""

    start_date: datetime | None = None
    end_date: str | None = None
    state: Annotated[str, choice("active", "inactive", "closed")] | None = None


class CreateParticipant(Form):
    """Parameters of a new participant."""

    identity: str | None = None
    address: str | None = param("MessagingBinding.Address")
    proxy_address: str | None = param("MessagingBinding.ProxyAddress")
    projected_address: str | None = param("MessagingBinding.ProjectedAddress")
    date_created: str | None = None
    date_updated: str | None = None
    attributes: str | None = None
    role_sid: str | None = None


class UpdateParticipant(Form):
    """Parameters of a changed participant."""

    date_created: str | None = None
    date_updated: str | None = None
    attributes: str | None = None
    role_sid: str | None = None
    proxy_address: str | None = param("MessagingBinding.ProxyAddress")
    projected_address: str | None = param("MessagingBinding.ProjectedAddress")
    identity: str | None = None
    last_read_message_index: str | None = None
    last_read_timestamp: str | None = None


class CreateMessage(Form):
    """Parameters of a new message; `MediaSid` may be repeated."""

    author: str | None = None
    body: str | None = None
    date_created: str | None = None
    date_updated: str | None = None
    attributes: str | None = None
    media_sid: list[str] = param("MediaSid", default_factory=list)
    content_sid: str | None = None
    content_variables: str | None = None
    subject: str | None = None


class UpdateMessage(Form):
    """Parameters of an edited message."""

    author: str | None = None
    body: str | None = None
    date_created: str | None = None
    date_updated: str | None = None
    attributes: str | None = None
    subject: str | None = None


class ListMessages(Form):
    """Order of the list of messages."""

    order: Annotated[str, choice("asc", "desc")] = "asc"


class CreateWebhook(Form):
    """Parameters of a new scoped webhook."""

    target: str = ""
    url: str | None = param("Configuration.Url")
    method: str | None = param("Configuration.Method")
    filters: list[str] = param("Configuration.Filters", default_factory=list)
    triggers: list[str] = param("Configuration.Triggers", default_factory=list)
    flow_sid: str | None = param("Configuration.FlowSid")
    replay_after: Annotated[int, Limit(min=0)] | None = param("Configuration.ReplayAfter")


class UpdateWebhook(Form):
    """Parameters of a changed scoped webhook."""

    url: str | None = param("Configuration.Url")
    method: str | None = param("Configuration.Method")
    filters: list[str] = param("Configuration.Filters", default_factory=list)
    triggers: list[str] = param("Configuration.Triggers", default_factory=list)
    flow_sid: str | None = param("Configuration.FlowSid")


class UpdateServiceWebhooks(Form):
    """Parameters of a service's webhooks."""

    method: str | None = None
    filters: list[str] = param("Filters", default_factory=list)
    pre_webhook_url: str | None = None
    post_webhook_url: str | None = None


class UpdateAccountWebhooks(UpdateServiceWebhooks):
    """Parameters of the account's webhooks."""

    target: Annotated[str, choice("webhook", "flex")] | None = None


class ListParticipantConversations(Form):
    """The one lookup parameter."""

    identity: str | None = None
    address: str | None = None


class CreateRole(Form):
    """Parameters of a new role."""

    friendly_name: str
    type: str
    permission: list[str]


class UpdateRole(Form):
    """The permissions that replace a role's."""

    permission: list[str]


class CreateUser(Form):
    """Parameters of a new user."""

    identity: str
    friendly_name: str | None = None
    attributes: str | None = None
    role_sid: str | None = None


class UpdateUser(Form):
    """Parameters of a changed user."""

    friendly_name: str | None = None
    attributes: str | None = None
    role_sid: str | None = None


class UpdateUserConversation(Form):
    """Parameters of a user's view of a conversation."""

    notification_level: str | None = None
    last_read_timestamp: str | None = None
    last_read_message_index: str | None = None


class CreateService(Form):
    """The name of a new service."""

    friendly_name: str


class UpdateServiceConfiguration(Form):
    """Parameters of a service's configuration."""

    default_conversation_creator_role_sid: str | None = None
    default_conversation_role_sid: str | None = None
    default_chat_service_role_sid: str | None = None
    reachability_enabled: bool | None = None


class UpdateConfiguration(Form):
    """Parameters of the account's configuration."""

    default_chat_service_sid: str | None = None
    default_messaging_service_sid: str | None = None
    default_inactive_timer: str | None = None
    default_closed_timer: str | None = None


class AutoCreationForm(Form):
    """Parameters of an address that may change later."""

    friendly_name: str | None = None
    enabled: bool | None = param("AutoCreation.Enabled")
    auto_creation_type: str | None = param("AutoCreation.Type")
    conversation_service_sid: str | None = param("AutoCreation.ConversationServiceSid")
    webhook_url: str | None = param("AutoCreation.WebhookUrl")
    webhook_method: str | None = param("AutoCreation.WebhookMethod")
    webhook_filters: list[str] = param("AutoCreation.WebhookFilters", default_factory=list)
    studio_flow_sid: str | None = param("AutoCreation.StudioFlowSid")
    studio_retry_count: int | None = param("AutoCreation.StudioRetryCount")


class CreateAddress(AutoCreationForm, kw_only=True):
    """Parameters of a new address configuration."""

    type: str
    address: str
    address_country: str | None = None


class ListAddresses(Form):
    """Filter of the list of address configurations."""

    type: str | None = None


class UploadMedia(Form):
    """Query of an upload."""

    category: Annotated[str, choice("media", "body", "history")] = "media"
    filename: str | None = None
