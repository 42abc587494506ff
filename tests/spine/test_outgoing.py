"""Outgoing calls reach what the operator named, and not what an account points inside."""

import asyncio

import pytest

from parlour.kit.outgoing import DestinationRefused, Guard, Outgoing, OutgoingError


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "192.168.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "::1",
        "fd00::1",
        "::ffff:127.0.0.1",
        "0.0.0.0",
    ],
)
def test_addresses_inside_are_not_for_accounts(address: str) -> None:
    assert not Guard().allows(address)
    assert Guard([f"{address}"]).allows(address) or address.startswith("::ffff")


def test_public_addresses_are() -> None:
    assert Guard().allows("93.184.216.34")


async def test_a_name_that_resolves_inside_is_refused_at_connect_time() -> None:
    outgoing = Outgoing(Guard())
    with pytest.raises(DestinationRefused, match="allowed_networks"):
        await outgoing.request("GET", "http://localhost:1/")
    await outgoing.close()


async def test_a_trusted_destination_is_called_and_a_closed_port_was_not_sent() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    outgoing = Outgoing(Guard())
    assert (await outgoing.request("GET", f"http://127.0.0.1:{port}/", trusted=True)).body == b"hi"
    server.close()
    await server.wait_closed()
    with pytest.raises(OutgoingError) as failure:
        await outgoing.request("GET", f"http://127.0.0.1:{port}/", trusted=True)
    assert not failure.value.sent
    await outgoing.close()
