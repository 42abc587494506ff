"""Demo data: two numbers on a simulated carrier and two agents (issue: make demo)."""

import json
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from parlour.accounts.store_system import system_list_accounts
from parlour.app import Program
from parlour.channels.sms import connections
from parlour.channels.sms.simulator.app import Carrier, Phone
from parlour.channels.sms.simulator.app import Settings as CarrierSettings
from parlour.conversations import addresses
from parlour.conversations.addresses import AutoCreation
from parlour.flex import configuration
from parlour.flex.sign_in import users
from parlour.flex.sign_in.passwords import Passwords, new_password
from parlour.kit.wire import decode_json, encode_json, json_text
from parlour.messaging import numbers
from parlour.store.unit import UnitOfWork
from parlour.studio import flows
from parlour.taskrouter import workers

DEMO_NUMBER: Final = "+12025550100"  # its address uses Demo Flow
MESSAGING_NUMBER: Final = "+12025550101"  # its address uses Messaging Flow
PHONES: Final = (("+12025550142", DEMO_NUMBER), ("+12025550143", MESSAGING_NUMBER))
FLOWS: Final = {DEMO_NUMBER: "Demo Flow", MESSAGING_NUMBER: "Messaging Flow"}
AGENTS: Final = ("ana", "ben")
DESKTOP_USERS: Final = "desktop-users.json"  # beside the demo's credentials, for the same eyes
CARRIER: Final = "simulator"
MOUNT: Final = "/simulator"
RETRIES: Final = 3  # studio_retry_count of Flex's addresses (flex.md §2.1)


@dataclass(frozen=True)
class SimulatedCarrier:
    """Where the simulated carrier is and what it knows us by."""

    base_url: str
    account_sid: str
    auth_token: str


def make_carrier(program: Program) -> Carrier | None:
    """Make the carrier that this process simulates; None where another process does."""
    settings = program.settings
    if settings.simulator_url is not None:
        return None
    return Carrier(
        CarrierSettings(
            ledger=settings.data / "simulator.sqlite",
            public_url=f"{settings.base_url}{MOUNT}",
            phones=tuple(Phone(number, to) for number, to in PHONES),
        )
    )


async def seed(program: Program, carrier: Carrier | None, *, register: bool = True) -> str:
    """Put the demo data in where it is not yet, and tell the carrier where our numbers' texts go.

    :param register: False leaves the carrier untold.
    :returns: where our numbers' texts are to be posted.
    """
    accounts = await program.database.system(system_list_accounts)
    account_sid = accounts[0]["account_sid"]
    simulated = _simulated(program, carrier)

    async def work(uow: UnitOfWork) -> str:
        connection = await connections.create(
            uow,
            program.box,
            name=CARRIER,
            base_url=simulated.base_url,
            upstream_account_sid=simulated.account_sid,
            auth_token=simulated.auth_token,
            lists_at_once=True,
            takes_groups=True,
        )
        for number, flow_name in FLOWS.items():
            if await numbers.by_number(uow, number) is None:
                await _number(uow, number, flow_name, connection.sid)
        await _agents(uow)
        return str(connection.sid)

    if program.settings.demo:
        await _desktop_users(program, account_sid)
    connection_sid = await program.database.step(
        account_sid, work, request_id=program.database.sids.new("RQ", program.clock.now())
    )
    sms_url = f"{program.settings.base_url}/carrier/{connection_sid}/inbound"
    for number, name in FLOWS.items() if register else ():
        await _register(program, carrier, number, name, sms_url)
    return sms_url


def _simulated(program: Program, carrier: Carrier | None) -> SimulatedCarrier:
    if carrier is not None:
        return SimulatedCarrier(carrier.public_url, carrier.account_sid, carrier.auth_token)
    parts = urlsplit(program.settings.simulator_url or "")
    host = parts.netloc.rpartition("@")[2]
    return SimulatedCarrier(
        urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", "")), parts.username or "", parts.password or ""
    )


async def _number(uow: UnitOfWork, number: str, flow_name: str, connection_sid: str) -> None:
    flow = await flows.by_name(uow, flow_name)
    await numbers.create(uow, phone_number=number, friendly_name=flow_name, connection_sid=connection_sid)
    await addresses.create(
        uow,
        type="sms",
        address=number,
        friendly_name=f"Demo: {flow_name}",
        auto_creation=AutoCreation(
            enabled=True,
            type="studio",
            studio_flow_sid=None if flow is None else flow.sid,
            studio_retry_count=RETRIES,
        ),
    )


async def _agents(uow: UnitOfWork) -> None:
    workspace_sid = (await configuration.fetch(uow)).taskrouter_workspace_sid
    for name in AGENTS:
        if await workers.by_name(uow, workspace_sid, name) is None:
            attributes = {"contact_uri": f"client:{name}", "full_name": name.capitalize(), "roles": ["agent"]}
            await workers.create(uow, workspace_sid, friendly_name=name, attributes=json.dumps(attributes))


async def _desktop_users(program: Program, account_sid: str) -> None:
    """Let the agents sign in to the desktop, and leave their passwords in the data folder."""
    there = {user.identity for user in await program.database.read(account_sid, users.everyone)}
    missing = [name for name in AGENTS if name not in there]
    if not missing:
        return
    file = program.settings.data / DESKTOP_USERS
    known: dict[str, str] = decode_json(file.read_bytes()) if file.exists() else {}
    known |= {name: new_password() for name in missing}
    passwords = Passwords()
    hashes = {name: await passwords.hashed(known[name]) for name in missing}
    file.touch(0o600)
    file.write_text(json_text(known))

    async def work(uow: UnitOfWork) -> None:
        for name, hashed in hashes.items():
            await users.add(uow, identity=name, full_name=name.capitalize(), roles=["agent"], password=hashed)

    await program.database.step(account_sid, work)


async def _register(program: Program, carrier: Carrier | None, number: str, name: str, sms_url: str) -> None:
    if carrier is not None:
        carrier.put_number(number, sms_url=sms_url, friendly_name=name)
        return
    simulated = _simulated(program, None)
    await program.outgoing.request(
        "POST",
        f"{simulated.base_url}/_sim/numbers",
        trusted=True,
        headers={"Content-Type": "application/json"},
        body=encode_json({"phone_number": number, "sms_url": sms_url, "friendly_name": name}),
    )
