"""The table of calls; handlers enter themselves when their module is imported."""

from typing import Final

from parlour.rest.operations import Operations

PRODUCT: Final = "event-bridge"
WORKSPACE: Final = "/Workspaces/{WorkspaceSid}"
WORKER: Final = f"{WORKSPACE}/Workers/{{WorkerSid}}"

calls = Operations(PRODUCT)
