"""The floor of Conversations."""

from pathlib import Path

from parlour.conversations.files import FolderStore, MediaStore
from parlour.conversations.invariants import CHECKS, INVARIANTS
from parlour.conversations.media_sweep import Sweeper
from parlour.conversations.push import routes as push
from parlour.conversations.reactions import make_reactions
from parlour.conversations.routes import (
    addresses,
    conversations,
    messages,
    participants,
    services,
    users,
    webhook_configurations,
    webhooks,
)
from parlour.conversations.routes import media as media_routes
from parlour.conversations.routes.common import operations
from parlour.kit.secrets_box import SecretsBox
from parlour.package import Package
from parlour.store.database import Database
from parlour.webhooks.delivery import Deliverer

MODULES = (addresses, conversations, messages, participants, services, users, webhook_configurations, webhooks)


def folder_store(data: Path) -> FolderStore:
    """Return the media store in the data folder."""
    return FolderStore(data / "media")


def package(database: Database, media_store: MediaStore, deliverer: Deliverer, box: SecretsBox) -> Package:
    """Return what the floor offers."""
    return Package(
        name="conversations",
        migrations="parlour.conversations",
        operations=[operations, media_routes.make_operations(media_store), *push.make_operations(box)],
        reactions=[make_reactions(media_store, deliverer)],
        invariants=INVARIANTS,
        checks=CHECKS,
        companions=[Sweeper(database, media_store).run],
    )
