"""Operations of the account's and the services' webhooks (conversations.md §6.1)."""

from parlour.conversations import services, webhooks_configuration
from parlour.conversations.routes.common import SERVICE, operations, renderer, require_change
from parlour.conversations.schemas import UpdateAccountWebhooks, UpdateServiceWebhooks
from parlour.conversations.store.webhook_configurations import WebhookConfiguration
from parlour.rest.operations import Answer, Call
from parlour.store.unit import Reader, UnitOfWork

OF_ACCOUNT = "/v1/Configuration/Webhooks"
OF_SERVICE = f"{SERVICE}/Configuration/Webhooks"


@operations.get(OF_ACCOUNT)
async def fetch_account_webhooks(call: Call, _form: object) -> Answer:
    """Fetch the account's webhooks."""
    row = await call.read(webhooks_configuration.fetch)
    return Answer(200, renderer(call).account_webhooks(row))


@operations.post(OF_ACCOUNT, form=UpdateAccountWebhooks)
async def update_account_webhooks(call: Call, form: UpdateAccountWebhooks) -> Answer:
    """Change the account's webhooks."""
    require_change(form)
    row = await call.step(
        lambda uow: webhooks_configuration.update(
            uow,
            method=form.method,
            filters=form.filters,
            pre_webhook_url=form.pre_webhook_url,
            post_webhook_url=form.post_webhook_url,
            target=form.target,
        )
    )
    return Answer(200, renderer(call).account_webhooks(row))


@operations.get(OF_SERVICE)
async def fetch_service_webhooks(call: Call, _form: object) -> Answer:
    """Fetch a service's webhooks."""

    async def work(reader: Reader) -> WebhookConfiguration:
        service = await services.fetch(reader, call.path["ChatServiceSid"])
        return await webhooks_configuration.fetch(reader, service.sid)

    return Answer(200, renderer(call).service_webhooks(await call.read(work)))


@operations.post(OF_SERVICE, form=UpdateServiceWebhooks)
async def update_service_webhooks(call: Call, form: UpdateServiceWebhooks) -> Answer:
    """Change a service's webhooks."""
    require_change(form)

    async def work(uow: UnitOfWork) -> WebhookConfiguration:
        service = await services.fetch(uow, call.path["ChatServiceSid"])
        return await webhooks_configuration.update(
            uow,
            service.sid,
            method=form.method,
            filters=form.filters,
            pre_webhook_url=form.pre_webhook_url,
            post_webhook_url=form.post_webhook_url,
        )

    return Answer(200, renderer(call).service_webhooks(await call.step(work)))
