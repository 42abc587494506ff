"""The error catalogue of Conversations: code, HTTP status and message (conversations.md §10)."""

from dataclasses import dataclass

from parlour.rest.errors import ContractError


@dataclass(frozen=True, slots=True)
class Condition:
    """One line of the catalogue; `error` takes the values of its placeholders."""

    code: int
    status: int
    message: str

    def error(self, **values: object) -> ContractError:
        """Make the error to raise."""
        return ContractError(self.code, self.status, self.message.format(**values))


FRIENDLY_NAME_MISSING = Condition(50000, 400, "FriendlyName was not provided")
FRIENDLY_NAME_TOO_LONG = Condition(50003, 400, "FriendlyName is longer than {maximum} characters")
UNIQUE_NAME_TOO_LONG = Condition(50004, 400, "UniqueName is longer than {maximum} characters")
SERVICE_IN_USE = Condition(20409, 409, "Service {sid} cannot be deleted: {user} uses it")

SERVICE_ROLE_NOT_FOUND = Condition(50102, 400, "{name} {sid} is not a service role of this service")
PERMISSION_NOT_FOUND = Condition(50104, 400, "Permission {permission} is not known for roles of type {type}")
ROLE_TYPE_INVALID = Condition(50105, 400, "Type {type} is not a role type; use conversation or service")
NOT_PERMITTED = Condition(50107, 403, "The roles of this user do not allow it: {permission} is needed")
CONVERSATION_ROLE_NOT_FOUND = Condition(50109, 400, "{name} {sid} is not a conversation role of this service")
ROLE_IN_USE = Condition(20409, 409, "Role {sid} is in use and cannot be deleted")

USER_EXISTS = Condition(50201, 409, "User already exists")
IDENTITY_RESERVED = Condition(50203, 400, "Identity {identity} is reserved")
IDENTITY_MISSING = Condition(50204, 400, "Identity was not provided")
IDENTITY_LIKE_SID = Condition(50206, 400, "Identity must not match the pattern of a User SID")
IDENTITY_TOO_LONG = Condition(50207, 400, "Identity is longer than {maximum} characters")
NOTIFICATION_LEVEL_INVALID = Condition(50210, 400, "NotificationLevel {level} is invalid; use default or muted")
IDENTITY_NOT_ACCEPTABLE = Condition(50211, 400, "Identity is not acceptable for a participant with a messaging binding")
TOO_MANY_CONVERSATIONS = Condition(50214, 400, "User {identity} is in {maximum} conversations already")

ATTRIBUTES_TOO_LONG = Condition(50303, 400, "Attributes is longer than {maximum} bytes")
ATTRIBUTES_INVALID = Condition(50304, 400, "Attributes is not valid JSON")
DATE_CREATED_INVALID = Condition(50308, 400, "DateCreated is not a valid date")
DATE_UPDATED_INVALID = Condition(50309, 400, "DateUpdated is not a valid date")
AUTHOR_TOO_LONG = Condition(50310, 400, "Author is longer than {maximum} characters")

MESSAGING_SERVICE_MISSING = Condition(50340, 400, "{name} was not provided")
MESSAGING_SERVICE_INVALID = Condition(50341, 400, "{name} {sid} is invalid")
MESSAGING_SERVICE_FOREIGN = Condition(50342, 400, "{name} {sid} does not belong to this account")
UNIQUE_NAME_EXISTS = Condition(50353, 409, "Conversation with provided unique name already exists")

WEBHOOK_REFUSED = Condition(50056, 403, "The webhook that is asked with {event} refused this")
TOO_MANY_WEBHOOKS = Condition(50361, 400, "A conversation has at most {maximum} webhooks")
TOO_MANY_TRIGGERS = Condition(50362, 400, "Configuration.Triggers has more than {maximum} keywords")
WEBHOOK_TARGET_INVALID = Condition(50364, 400, "Target {target} is invalid; use webhook, trigger or studio")
WEBHOOK_FILTER_INVALID = Condition(50365, 400, "{name}: {filter} is not an event of a conversation webhook")
WEBHOOK_TRIGGER_INVALID = Condition(50366, 400, "Configuration.Triggers: a keyword has 1 to {maximum} characters")
WEBHOOK_FLOW_INVALID = Condition(50367, 400, "Configuration.FlowSid {sid} is invalid")
WEBHOOK_TARGET_MISSING = Condition(50368, 400, "Target was not provided")
WEBHOOK_URL_MISSING = Condition(50369, 400, "{name} was not provided")
WEBHOOK_FILTER_MISSING = Condition(50370, 400, "{name} was not provided")
WEBHOOK_TRIGGER_MISSING = Condition(50371, 400, "Configuration.Triggers was not provided")
WEBHOOK_URL_TOO_LONG = Condition(50372, 400, "{name} is longer than {maximum} characters")
WEBHOOK_URL_INVALID = Condition(50388, 400, "{name} {url} is not a valid absolute URL")
CONFIGURATION_FILTER_INVALID = Condition(50365, 400, "Filters: {filter} is not an event of a webhook")
PRE_WEBHOOK_URL_INVALID = Condition(50077, 400, "PreWebhookUrl {url} is not a valid absolute URL")
POST_WEBHOOK_URL_INVALID = Condition(50078, 400, "PostWebhookUrl {url} is not a valid absolute URL")
WEBHOOK_METHOD_INVALID = Condition(50055, 400, "{name} {method} is invalid; use GET or POST")

NO_MESSAGING_SERVICE = Condition(50373, 400, "No messaging service is assigned to the conversation")
STATE_EMPTY = Condition(50374, 400, "State cannot be empty")
TIMER_INACTIVE_TOO_SHORT = Condition(50375, 400, "Timers.Inactive must be at least 1 minute")
TIMER_CLOSED_TOO_SHORT = Condition(50376, 400, "Timers.Closed must be at least 10 minutes")
CONVERSATION_CLOSED = Condition(50377, 400, "Can't update conversation as it's in final closed state")
STATE_INVALID = Condition(50378, 400, "State {state} is invalid")
TIMER_INACTIVE_INVALID = Condition(50379, 400, "Timers.Inactive is not an ISO 8601 duration")
TIMER_CLOSED_INVALID = Condition(50380, 400, "Timers.Closed is not an ISO 8601 duration")
CREATED_CLOSED = Condition(50384, 400, "A conversation cannot be created in state closed")
UNIQUE_NAME_LIKE_SID = Condition(50390, 400, "UniqueName must not match the pattern of a Conversation SID")

READ_TIMESTAMP_INVALID = Condition(50405, 400, "LastReadTimestamp is not a valid date")
BINDING_ADDRESS_INVALID = Condition(50407, 400, "Invalid messaging binding address: MessagingBinding.Address")
BINDING_PROXY_INVALID = Condition(50408, 400, "Invalid messaging binding proxy address: MessagingBinding.ProxyAddress")
BINDING_SAME = Condition(50409, 400, "MessagingBinding.Address and MessagingBinding.ProxyAddress must differ")
BINDING_ADDRESS_EMPTY = Condition(50411, 400, "MessagingBinding.Address cannot be empty")
BINDING_PROXY_EMPTY = Condition(50412, 400, "MessagingBinding.ProxyAddress cannot be empty")
BINDING_PROXY_FOREIGN = Condition(50413, 400, "MessagingBinding.ProxyAddress {proxy} does not belong to this account")
BINDING_TYPES_DIFFER = Condition(
    50414, 400, "MessagingBinding.Address and MessagingBinding.ProxyAddress are of different channels"
)
BINDING_NOT_WHATSAPP = Condition(50415, 400, "MessagingBinding.ProxyAddress {proxy} is not enabled for WhatsApp")
PAIR_IN_USE = Condition(
    50416, 409, "A binding for this participant and proxy address already exists in Conversation {sid}"
)
TOO_MANY_PARTICIPANTS = Condition(50417, 400, "A conversation has at most {maximum} participants")
TOO_MANY_BINDINGS = Condition(50418, 400, "A conversation has at most {maximum} participants with a messaging binding")
READ_INDEX_INVALID = Condition(50421, 400, "LastReadMessageIndex is invalid")
TOO_MANY_IN_REQUEST = Condition(50426, 400, "Participant was given more than {maximum} times")
NOT_A_PARTICIPANT = Condition(50430, 403, "The user {identity} does not take part in Conversation {sid}")
PARTICIPANT_EXISTS = Condition(50433, 409, "Participant already exists")
NO_PROXY_TO_REMOVE = Condition(50440, 400, "The participant has no MessagingBinding.ProxyAddress to remove")
NO_ADDRESS_FOR_PROXY = Condition(
    50441, 400, "MessagingBinding.ProxyAddress cannot be set on a participant without an address"
)
CONFLICTING_PARTICIPANT = Condition(50419, 409, "The participant was changed at the same time; try again")
IDENTITY_NOT_ADDABLE = Condition(50444, 400, "The participant cannot take an Identity")
PROJECTED_MISSING = Condition(
    50434, 400, "MessagingBinding.ProjectedAddress was not provided: in group MMS every user has one"
)
GROUP_INCOMPLETE = Condition(
    50435, 400, "Group MMS needs a MessagingBinding.Address and a MessagingBinding.ProjectedAddress at least"
)
GROUP_MIXED = Condition(50435, 400, "Group MMS takes no participant with a MessagingBinding.ProxyAddress")
GROUP_TOO_LARGE = Condition(50436, 400, "A group MMS has at most {maximum} participants")
GROUP_MEMBER_EXISTS = Condition(50437, 409, "The address is a participant of the group MMS already")
GROUP_EXISTS = Condition(50438, 409, "Group MMS with given participant list already exists as Conversation {sid}")
PROJECTED_FOREIGN = Condition(
    50439, 400, "MessagingBinding.ProjectedAddress {projected} is not a number of this account for group MMS"
)
NO_PROJECTED_TO_REMOVE = Condition(50442, 400, "The participant has no MessagingBinding.ProjectedAddress to remove")
BINDING_EXISTS = Condition(
    50443, 400, "MessagingBinding.ProjectedAddress cannot be set on a participant with a binding"
)
ONE_LOOKUP_PARAMETER = Condition(50451, 400, "Exactly one of Identity and Address must be given")

BODY_MISSING = Condition(50503, 400, "Body was not provided")
BODY_TOO_LONG = Condition(50504, 400, "Body is longer than {maximum} bytes")
MEDIA_NOT_FOUND = Condition(50507, 400, "MediaSid {sid} was not found")
MEDIA_ALREADY_SENT = Condition(50508, 400, "MediaSid {sid} is attached to a message already")
MEDIA_BODY_FIXED = Condition(50509, 400, "The Body of a media message cannot be changed")
MEDIA_SID_INVALID = Condition(50510, 400, "MediaSid {sid} is invalid")
MEDIA_TYPE_INVALID = Condition(50511, 400, "The file is not of the Content-Type {content_type}")
MEDIA_TOO_LARGE = Condition(50512, 413, "The file is larger than {maximum} bytes")
ATTACHMENTS_DISABLED = Condition(50511, 400, "Attachments are disabled for {type} by the Flex configuration")
ATTACHMENTS_TOO_MANY = Condition(
    20001, 400, "Invalid parameter MediaSid: the Flex configuration allows {maximum} attachments of a {type} message"
)
ATTACHMENT_NOT_ACCEPTED = Condition(
    50511, 400, "MediaSid {sid} is of a type that the Flex configuration does not accept for {type}: {accepted}"
)
ATTACHMENT_TOO_LARGE = Condition(
    50512, 400, "MediaSid {sid} is larger than {maximum} bytes, the limit of the Flex configuration for {type}"
)
ATTACHMENTS_TOO_LARGE = Condition(
    50512, 400, "The attachments are larger than {maximum} bytes in all, the limit of the Flex configuration for {type}"
)
SUBJECT_TOO_LONG = Condition(20001, 400, "Invalid parameter Subject: longer than {maximum} characters")
AUTHOR_NOT_IN_GROUP = Condition(50513, 400, "Author must be a participant of the group MMS")
CONTENT_SID_INVALID = Condition(50526, 400, "ContentSid {sid} is invalid")
CONTENT_SID_MISSING = Condition(50528, 400, "ContentSid was not provided, yet ContentVariables was")
CONTENT_VARIABLES_INVALID = Condition(20001, 400, "Invalid parameter ContentVariables: must be a JSON object of texts")
CONTENT_TYPE_UNSUPPORTED = Condition(50542, 400, "ContentSid {sid} has no type of content that can be sent")
NO_CHANNEL_METADATA = Condition(50530, 404, "The message has no channel metadata")
PAGE_TOKEN_NEGATIVE = Condition(19038, 400, "PageToken must be at least 0")
NO_UPDATE_PARAMETERS = Condition(20161, 400, "No parameters were given to update")
ADDRESS_EXISTS = Condition(20409, 409, "An address configuration for {address} already exists: {sid}")
