"""What is published of Flex and not served: Insights, and the resources of legacy messaging (flex.md §3.5, §5)."""

from typing import Final

from parlour.rest.operations import Operations

INSIGHTS: Final = "Flex Insights is not served here; statistics are those of TaskRouter"
LEGACY: Final = (
    "the legacy messaging resources of Flex UI 1.x (FlexFlows, Channels, WebChannels) are not served here yet; "
    "use Conversations addresses, WebChats and Interactions"
)

operations = Operations("flex-api")
operations.absent("/v1/Insights", why=INSIGHTS)
operations.absent("/v1/FlexFlows", "/v1/Channels", "/v1/WebChannels", why=LEGACY)
