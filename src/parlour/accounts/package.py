"""The floor of accounts."""

from parlour.accounts import routes
from parlour.accounts.authenticator import AccountAuthenticator
from parlour.kit.secrets_box import SecretsBox
from parlour.package import Package


def package(box: SecretsBox, authenticator: AccountAuthenticator) -> Package:
    """Return what the floor offers."""
    return Package(
        name="accounts",
        migrations="parlour.accounts",
        operations=[routes.make_operations(box, authenticator)],
    )
