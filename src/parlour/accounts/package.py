"""The floor of accounts."""

from parlour.accounts import key_routes, routes
from parlour.kit.secrets_box import SecretsBox
from parlour.package import Package


def package(box: SecretsBox) -> Package:
    """Return what the floor offers."""
    return Package(
        name="accounts",
        migrations="parlour.accounts",
        operations=[routes.make_operations(box), *key_routes.make_operations(box)],
    )
