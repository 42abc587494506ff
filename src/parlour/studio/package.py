"""The floor of Studio."""

from collections.abc import Sequence

from parlour.conversations.files import MediaStore
from parlour.kit.outgoing import Outgoing
from parlour.kit.secrets_box import SecretsBox
from parlour.package import Package
from parlour.rest.operations import Authenticator
from parlour.store.database import Database
from parlour.studio import events, pages, routes, routes_texts, routes_v1, texts
from parlour.studio.calls import Caller
from parlour.studio.files import Fetcher


def package(
    database: Database,
    authenticator: Authenticator,
    outgoing: Outgoing,
    box: SecretsBox,
    files: MediaStore,
    *,
    base_url: str,
    product_domains: Sequence[str],
) -> Package:
    """Return what the floor offers.

    :param files: where the files of conversations lie.
    :param base_url: the server's address, and
    :param product_domains: host suffixes of the API: where a flow's requests may carry the account's credentials.
    """
    texts.move_in()
    caller = Caller(outgoing, box, base_url=base_url, product_domains=product_domains)
    return Package(
        name="studio",
        migrations="parlour.studio",
        operations=[
            routes.operations,
            routes_v1.operations,
            routes_texts.make_operations(database, box, base_url=base_url),
        ],
        routes=pages.routes(database, authenticator),
        reactions=[events.reactions, caller.reactions(), Fetcher(outgoing, files).reactions()],
    )
