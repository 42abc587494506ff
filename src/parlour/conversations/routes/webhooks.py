"""Operations of scoped webhooks (conversations.md §6.7)."""

from parlour.conversations import conversations, webhooks
from parlour.conversations.routes.common import (
    both,
    listing,
    operations,
    renderer,
    require_change,
    scope_of,
    sid_token,
)
from parlour.conversations.schemas import CreateWebhook, UpdateWebhook
from parlour.conversations.store import webhooks as store
from parlour.conversations.store.webhooks import ScopedWebhook
from parlour.rest.operations import Answer, Call
from parlour.store.unit import Reader

LIST = both("/Conversations/{ConversationSid}/Webhooks")
INSTANCE = both("/Conversations/{ConversationSid}/Webhooks/{Sid}")


@operations.post(*LIST, form=CreateWebhook)
async def create_webhook(call: Call, form: CreateWebhook) -> Answer:
    """Attach a webhook to a conversation."""
    row = await call.step(
        lambda uow: webhooks.create(
            uow,
            call.path["ConversationSid"],
            target=form.target,
            url=form.url,
            method=form.method,
            filters=form.filters,
            triggers=form.triggers,
            flow_sid=form.flow_sid,
            replay_after=form.replay_after,
            scope=scope_of(call),
        )
    )
    return Answer(201, renderer(call).webhook(row))


@operations.get(*LIST)
async def list_webhooks(call: Call, _form: object) -> Answer:
    """List the webhooks of a conversation."""
    page = call.page(default=5, maximum=5)

    async def work(reader: Reader) -> list[ScopedWebhook]:
        sid = await conversations.resolve(reader, call.path["ConversationSid"], scope_of(call))
        return await store.page(reader, sid, after=sid_token(page), limit=page.size + 1)

    return listing(call, "webhooks", await call.read(work), page, renderer(call).webhook, lambda row: row.sid)


@operations.get(*INSTANCE)
async def fetch_webhook(call: Call, _form: object) -> Answer:
    """Fetch a scoped webhook."""

    async def work(reader: Reader) -> ScopedWebhook:
        sid = await conversations.resolve(reader, call.path["ConversationSid"], scope_of(call))
        return await webhooks.fetch(reader, sid, call.path["Sid"])

    return Answer(200, renderer(call).webhook(await call.read(work)))


@operations.post(*INSTANCE, form=UpdateWebhook)
async def update_webhook(call: Call, form: UpdateWebhook) -> Answer:
    """Change a scoped webhook."""
    require_change(form)
    row = await call.step(
        lambda uow: webhooks.update(
            uow,
            call.path["ConversationSid"],
            call.path["Sid"],
            url=form.url,
            method=form.method,
            filters=form.filters,
            triggers=form.triggers,
            flow_sid=form.flow_sid,
            scope=scope_of(call),
        )
    )
    return Answer(200, renderer(call).webhook(row))


@operations.delete(*INSTANCE)
async def delete_webhook(call: Call, _form: object) -> Answer:
    """Take a webhook off a conversation."""
    await call.step(
        lambda uow: webhooks.remove(uow, call.path["ConversationSid"], call.path["Sid"], scope=scope_of(call))
    )
    return Answer(204)
