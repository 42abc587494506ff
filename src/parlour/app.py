"""Composition: the floors, from the ground up, made into one program."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from parlour.accounts import package as accounts
from parlour.accounts.access_tokens import AccessTokens
from parlour.accounts.authenticator import AccountAuthenticator
from parlour.channels import contract as channels
from parlour.content import package as content
from parlour.conversations import package as conversations
from parlour.conversations.files import MediaStore
from parlour.flex import package as flex
from parlour.kit.clock import Clock, FrozenClock, SystemClock
from parlour.kit.outgoing import Guard, Outgoing
from parlour.kit.rates import Rates
from parlour.kit.secrets_box import SecretsBox
from parlour.messaging import package as messaging
from parlour.outbox.facts import Outbox
from parlour.outbox.process import keep_partitions
from parlour.outbox.reactions import Registry
from parlour.outbox.wake import Wake
from parlour.package import Package
from parlour.realtime.event_bridge import package as event_bridge
from parlour.realtime.twilsock import package as twilsock
from parlour.rest import idempotency
from parlour.rest.hosts import Addressing
from parlour.rest.router import Router
from parlour.rest.tunnel import Tunnel
from parlour.settings import Settings
from parlour.store import migrations
from parlour.store.database import Database
from parlour.studio import package as studio
from parlour.studio.limits import Limits
from parlour.taskrouter import package as taskrouter
from parlour.taskrouter.retention import Retention
from parlour.trace import package as trace
from parlour.webhooks import package as webhooks
from parlour.webhooks.asking import Asker
from parlour.webhooks.delivery import Deliverer

KEY_FILE = "secret.key"
OWN_CHANNELS = ("parlour.channels.sms.package",)
PLAYGROUND_NETWORKS = ("127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")


@dataclass(frozen=True)
class Ground:
    """What floors are given beside their own: made once, from the settings."""

    settings: Settings
    database: Database
    box: SecretsBox
    authenticator: AccountAuthenticator
    tokens: AccessTokens
    outgoing: Outgoing
    media_store: MediaStore
    wake: Wake
    tunnel: Tunnel


@dataclass(frozen=True)
class Program:
    """The composed program without its running parts."""

    settings: Settings
    clock: Clock
    database: Database
    box: SecretsBox
    packages: Sequence[Package]
    registry: Registry
    router: Router
    wake: Wake
    authenticator: AccountAuthenticator
    tokens: AccessTokens
    outgoing: Outgoing
    media_store: MediaStore

    async def migrate(self) -> int:
        """Bring the schema up to this version, and return how many migrations ran."""
        ran = await self.database.system(lambda connection: migrations.migrate(connection, self.all_migrations()))
        await self.database.system(lambda connection: keep_partitions(connection, datetime.now(UTC).date()))
        return ran

    def all_migrations(self) -> list[migrations.Migration]:
        """Return every floor's migrations, bottom floor first."""
        found = migrations.of_floor("parlour.outbox")
        for package in self.packages:
            if package.migrations is not None:
                found += migrations.of_floor(package.migrations)
        return found


def compose(settings: Settings, dsn: str, *, extra: Sequence[Package] = ()) -> Program:
    """Make the program.

    :param dsn: address of its database.
    :param extra: further floors on top, such as a benchmark's subscribers.
    """
    settings.data.mkdir(parents=True, exist_ok=True)
    clock: Clock = FrozenClock(datetime.now(UTC)) if settings.test_clock else SystemClock()
    allowed = (*settings.allowed_networks, *(PLAYGROUND_NETWORKS if settings.playground else ()))
    box = SecretsBox.at(Path(settings.data) / KEY_FILE)
    database = Database(dsn, clock=clock)
    tokens = AccessTokens(database, box, clock)
    authenticator = AccountAuthenticator(database, box, tokens)
    ground = Ground(
        settings=settings,
        database=database,
        box=box,
        authenticator=authenticator,
        tokens=tokens,
        outgoing=Outgoing(Guard(allowed)),
        media_store=conversations.folder_store(Path(settings.data)),
        wake=Wake(),
        tunnel=Tunnel(database),
    )
    deliverer = Deliverer(ground.outgoing, box)
    database.ask = Asker(database, deliverer, asks_for_rest=settings.pre_webhooks_for_rest).ask
    packages = [*_floors(ground, deliverer), *extra]
    registry = Registry(reactions for package in packages for reactions in package.reactions)
    kept = timedelta(seconds=settings.finished_tasks_kept)
    database.extensions[Retention] = lambda: Retention(kept)
    limits = Limits(
        inbound=Rates(settings.executions_per_second),
        by_rest=Rates(settings.rest_executions_per_second),
        ended_kept=timedelta(seconds=settings.ended_executions_kept),
    )
    database.extensions[Limits] = lambda: limits
    database.extensions[Outbox] = lambda: Outbox(registry, ground.wake)
    offered = [operations for package in packages for operations in package.operations]
    router = Router(
        (operation for operations in offered for operation in operations.all),
        ((operations.product, prefix, why) for operations in offered for prefix, why in operations.absences),
    )
    ground.tunnel.lead_to(router)
    return Program(
        settings=settings,
        clock=clock,
        database=database,
        box=box,
        packages=packages,
        registry=registry,
        router=router,
        wake=ground.wake,
        authenticator=authenticator,
        tokens=tokens,
        outgoing=ground.outgoing,
        media_store=ground.media_store,
    )


def _floors(ground: Ground, deliverer: Deliverer) -> list[Package]:
    """Return the floors, bottom first: in this order they provision themselves and react inside."""
    street = channels.Parts(ground.database, ground.box, ground.outgoing, ground.media_store, ground.settings.base_url)
    return [
        Package(
            name="rest",
            migrations="parlour.rest",
            companions=[lambda _process: idempotency.forget_old(ground.database)],
        ),
        accounts.package(ground.box),
        webhooks.package(ground.database),
        content.package(),
        messaging.package(deliverer, ground.media_store, base_url=ground.settings.base_url),
        conversations.package(ground.database, ground.media_store, deliverer, ground.box),
        taskrouter.package(deliverer),
        flex.package(
            ground.database,
            ground.box,
            ground.tokens,
            ground.outgoing,
            deliverer,
            flex.Choices(
                base_url=ground.settings.base_url,
                token_life=ground.settings.token_life,
                webchats_per_second=ground.settings.webchats_per_second,
                desktop=ground.settings.desktop_folder,
                desktop_connects=ground.settings.desktop_connects,
            ),
        ),
        studio.package(
            ground.database,
            ground.authenticator,
            ground.outgoing,
            ground.box,
            ground.media_store,
            base_url=ground.settings.base_url,
            product_domains=ground.settings.product_domains,
        ),
        *channels.adapters((*OWN_CHANNELS, *ground.settings.channels), street),
        event_bridge.package(
            ground.database,
            ground.tokens,
            ground.wake,
            Addressing(ground.settings.product_domains, ground.settings.trusted_proxies),
        ),
        twilsock.package(
            ground.database,
            ground.wake,
            ground.tokens,
            ground.tunnel,
            Addressing(ground.settings.product_domains, ground.settings.trusted_proxies),
        ),
        trace.package(),
    ]
