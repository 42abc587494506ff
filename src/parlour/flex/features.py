"""Feature flags of the desktop: which of them this server answers for (agent-clients.md §5.6)."""

from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True)
class Feature:
    """A flag of Flex UI.

    :ivar enabled: whether what it switches on is served here.
    """

    id: str
    name: str
    description: str
    enabled: bool

    def shown(self) -> dict[str, Any]:
        """Return its wire form."""
        return {
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "enabled": self.enabled,
            "stage": "ga",
            "doc_url": "",
        }


FEATURES: Final = (
    Feature(
        "disable-flex-sdk-telemetry-beta",
        "No telemetry of the SDK",
        "Nothing about the use of the desktop is collected",
        enabled=True,
    ),
    Feature(
        "sso-token-session-storage",
        "Token in session storage",
        "Each tab signs in by itself; off, so that a second tab takes the session of the first",
        enabled=False,
    ),
)


def by_id(feature_id: str) -> Feature | None:
    """Return the flag of an id, None for one that this server does not know."""
    return next((feature for feature in FEATURES if feature.id == feature_id), None)
