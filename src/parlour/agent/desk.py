"""An agent's desk over the official package: every call a person's terminal makes."""

import json
import mimetypes
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from parlour.agent import takeover
from parlour.agent.words import (
    AVAILABLE,
    OFFLINE,
    WORKSPACE,
    NoDesk,
    Work,
    choose_activity,
    identity_of,
    read_object,
    worker_attributes,
)
from parlour.sdk.media import Media, fetch, upload

TEXT_SO_FAR: Final = 20  # messages shown with an offer
MESSAGES_AT_ONCE: Final = 50


@dataclass(frozen=True)
class Offer:
    """A reservation of this worker and its task's work. seconds: age of the task."""

    reservation_sid: str
    work: Work
    seconds: int


@dataclass(frozen=True)
class Line:
    """A message as a person reads it."""

    index: int
    author: str
    body: str | None
    pictures: tuple[Media, ...]


@dataclass
class Chat:
    """An accepted task. seen: index of the last message shown."""

    offer: Offer
    service_sid: str
    seen: int = -1


class Desk:
    """One worker's view of the workspace.

    :param name: the worker's friendly name; the worker is made where there is none.
    :param workspace: SID or friendly name; default: Flex's own, else the only one.
    """

    def __init__(self, client: Client, name: str, *, workspace: str | None = None) -> None:
        self._client = client
        self._name = name
        self._desk = secrets.token_hex(4)
        self._renewed = datetime.min.replace(tzinfo=UTC)
        self._space: Any = client.taskrouter.v1.workspaces(self._workspace(workspace))
        activities = [(a.sid, a.friendly_name, bool(a.available)) for a in self._space.activities.list()]
        self._available = choose_activity(activities, AVAILABLE, available=True)
        self._offline = choose_activity(activities, OFFLINE, available=False)
        worker = self._find_worker()
        self._worker: Any = self._space.workers(worker.sid)
        self.identity = identity_of(read_object(worker.attributes), name)

    def _workspace(self, wanted: str | None) -> str:
        spaces = self._client.taskrouter.v1.workspaces.list()
        for space in spaces:
            if wanted in (space.sid, space.friendly_name) or (wanted is None and space.friendly_name == WORKSPACE):
                return str(space.sid)
        if wanted is None and len(spaces) == 1:
            return str(spaces[0].sid)
        raise NoDesk(f"There is no workspace {wanted or WORKSPACE}; name one with --workspace.")

    def _find_worker(self) -> Any:
        found = self._space.workers.list(friendly_name=self._name, limit=1)
        if found:
            return found[0]
        return self._space.workers.create(
            friendly_name=self._name, attributes=json.dumps(worker_attributes(self._name))
        )

    def sit_down(self) -> None:
        """Take the worker over and become available."""
        self._mark(taken=True)
        self.be_available()

    def be_available(self) -> None:
        """Set the activity that takes work."""
        self._worker.update(activity_sid=self._available)

    def be_offline(self) -> None:
        """Set the activity that takes no work; open chats stay."""
        self._worker.update(activity_sid=self._offline)

    def leave(self) -> None:
        """Set Offline and give the worker back to its robot, where it has one."""
        self._worker.update(activity_sid=self._offline)
        self._mark(taken=False)

    def stay(self) -> bool:
        """Renew the mark when it is time, and say whether the worker still takes work."""
        worker = self._worker.fetch()
        if datetime.now(UTC) - self._renewed > takeover.RENEW:
            self._mark(taken=True)
        return bool(worker.available)

    def _mark(self, *, taken: bool) -> None:
        now = datetime.now(UTC)
        attributes = read_object(self._worker.fetch().attributes)
        changed = takeover.take(attributes, self._desk, now) if taken else takeover.give_back(attributes, self._desk)
        if changed != attributes:
            self._worker.update(attributes=json.dumps(changed))
        self._renewed = now

    def offers(self) -> list[Offer]:
        """Return what is offered and not answered, oldest first."""
        return self._reservations("pending")

    def held(self) -> list[Offer]:
        """Return what was accepted before and is not completed, oldest first."""
        return [*self._reservations("accepted"), *self._reservations("wrapping")]

    def _reservations(self, status: str) -> list[Offer]:
        found = self._worker.reservations.list(reservation_status=status)
        offers = []
        for reservation in sorted(found, key=lambda r: r.date_created):
            task = self._space.tasks(reservation.task_sid).fetch()
            work = Work.of(task.sid, task.attributes, task.task_channel_unique_name)
            offers.append(Offer(reservation.sid, work, int(task.age or 0)))
        return offers

    def accept(self, offer: Offer) -> None:
        """Accept; the server makes us a participant of the conversation (flex.md §1.5)."""
        self._worker.reservations(offer.reservation_sid).update(reservation_status="accepted")

    def reject(self, offer: Offer) -> None:
        """Reject; the task goes to somebody else."""
        self._worker.reservations(offer.reservation_sid).update(reservation_status="rejected")

    def open(self, offer: Offer) -> Chat:
        """Return the chat of an accepted offer."""
        if offer.work.conversation_sid is None:
            return Chat(offer, "")
        conversation = self._conversation(offer.work.conversation_sid).fetch()
        return Chat(offer, conversation.chat_service_sid)

    def text_so_far(self, offer: Offer) -> list[Line]:
        """Return the last messages of an offer's conversation."""
        rows = self._rows(offer.work.conversation_sid, TEXT_SO_FAR)
        return [Line(row.index, row.author, row.body, _described(row)) for row in rows]

    def news(self, chat: Chat) -> list[Line]:
        """Return the messages of others since the last call, and mark them shown."""
        rows = self._rows(chat.offer.work.conversation_sid, MESSAGES_AT_ONCE)
        fresh = [row for row in rows if row.index > chat.seen and row.author != self.identity]
        lines = [Line(row.index, row.author, row.body, self._pictures(row, chat.service_sid)) for row in fresh]
        chat.seen = max([chat.seen, *(row.index for row in rows)])
        return lines

    def say(self, chat: Chat, text: str) -> None:
        """Send a text as this agent; webhooks hear of it as of a desktop's message."""
        self._messages(chat).create(author=self.identity, body=text, x_twilio_webhook_enabled="true")

    def send_picture(self, chat: Chat, path: Path) -> Media:
        """Upload a file and send it as this agent.

        :raises OSError: the file cannot be read.
        :raises MediaRefused: the service does not take it.
        """
        content_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        media = upload(self._client, chat.service_sid, path.read_bytes(), content_type=content_type, filename=path.name)
        self._messages(chat).create(author=self.identity, media_sid=media.sid, x_twilio_webhook_enabled="true")
        return media

    def complete(self, chat: Chat) -> None:
        """Complete the task: through its interaction channel, or itself where it has none (flex.md §1.6)."""
        work = chat.offer.work
        if work.interaction_sid and work.channel_sid:
            channel = self._client.flex_api.v1.interaction(work.interaction_sid).channels(work.channel_sid)
            channel.update(status="closed", routing={"status": "closed"})
        else:
            self._space.tasks(work.task_sid).update(assignment_status="completed", reason="done by the agent")

    def is_over(self, chat: Chat) -> bool:
        """Say whether the reservation was ended by somebody else."""
        try:
            status = self._worker.reservations(chat.offer.reservation_sid).fetch().reservation_status
        except TwilioRestException as error:
            if error.status == 404:
                return True
            raise
        return status not in ("accepted", "wrapping")

    def _conversation(self, sid: str) -> Any:
        return self._client.conversations.v1.conversations(sid)

    def _messages(self, chat: Chat) -> Any:
        if chat.offer.work.conversation_sid is None:
            raise NoDesk("This task has no conversation.")
        return self._conversation(chat.offer.work.conversation_sid).messages

    def _rows(self, conversation_sid: str | None, limit: int) -> list[Any]:
        if conversation_sid is None:
            return []
        messages = self._conversation(conversation_sid).messages.list(order="desc", limit=limit, page_size=limit)
        return list(reversed(messages))

    def _pictures(self, message: Any, service_sid: str) -> tuple[Media, ...]:
        return tuple(fetch(self._client, service_sid, media.sid) for media in _described(message))


def _described(message: Any) -> tuple[Media, ...]:
    """Return a message's files as the message itself describes them, without addresses."""
    return tuple(
        Media(item["sid"], item.get("content_type", ""), item.get("filename"), int(item.get("size") or 0), None)
        for item in message.media or []
    )
