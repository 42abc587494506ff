"""An account may call the endpoints of interactions so often a second (flex.md §1.8)."""

from pathlib import Path

import pytest
from twilio.base.exceptions import TwilioException, TwilioRestException

from tests.conftest import running_server

MISSING = "KD" + "0" * 32


def test_each_endpoint_takes_so_many_calls_a_second_and_the_operator_may_raise_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARLOUR_INTERACTIONS_PER_SECOND", "3")
    with running_server(tmp_path, "start", "--ephemeral") as live:
        client = live.client()
        codes = []
        for _ in range(40):
            with pytest.raises(TwilioRestException) as refused:
                client.flex_api.v1.interaction(MISSING).fetch()
            codes.append((refused.value.status, refused.value.code))
        assert set(codes) == {(404, 20404), (429, 20429)}
        assert codes[:3] == [(404, 20404)] * 3
        with pytest.raises(TwilioException, match="HTTP 404"):  # another endpoint has its own rate
            client.flex_api.v1.interaction(MISSING).channels.list()
        assert client.flex_api.v1.configuration().fetch().account_sid == live.credentials.account_sid
