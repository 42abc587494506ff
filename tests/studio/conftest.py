"""What several modules of this suite use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from parlour.demo import DEMO_NUMBER, MESSAGING_NUMBER
from tests.carrier import running_carrier
from tests.conftest import running_server
from tests.studio.town import Town


@pytest.fixture(scope="package")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("town")
    with (
        running_carrier(folder / "ledger.sqlite") as carrier,
        running_server(
            folder, "start", "--demo", "--data", str(folder / "data"), "--simulator-url", carrier.url_with_credentials
        ) as server,
    ):
        client = server.client()
        for address in client.conversations.v1.address_configurations.list():
            if address.address in (DEMO_NUMBER, MESSAGING_NUMBER):
                address.delete()
        yield Town(server, carrier, client)
