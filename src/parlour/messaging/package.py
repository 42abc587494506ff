"""The floor of messaging."""

from parlour.messaging.events import make_reactions
from parlour.messaging.media import Files
from parlour.messaging.routes import media, messages, numbers, services
from parlour.package import Package
from parlour.webhooks.delivery import Deliverer


def package(deliverer: Deliverer, files: Files, *, base_url: str) -> Package:
    """Return what the floor offers.

    :param files: where the files of inbound texts lie.
    :param base_url: the server's address, under which webhooks fetch those files.
    """
    return Package(
        name="messaging",
        migrations="parlour.messaging",
        operations=[
            messages.operations,
            media.make_operations(files),
            numbers.operations,
            services.operations,
            services.own,
        ],
        reactions=[make_reactions(deliverer, files, base_url)],
    )
