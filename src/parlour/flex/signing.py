"""Signs the tokens that Flex itself gives out, with a key of the account that is made at the first of them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from parlour.accounts import service as accounts
from parlour.accounts.access_tokens import AccessTokens, NoSuchKey
from parlour.flex.sign_in import store
from parlour.kit.secrets_box import SecretsBox
from parlour.store.database import Database
from parlour.store.unit import UnitOfWork

KEY_NAME: Final = "Agent desktop sign-in"


class Signer:
    """Signs for every account."""

    def __init__(self, database: Database, box: SecretsBox, tokens: AccessTokens) -> None:
        self._database = database
        self._box = box
        self._tokens = tokens

    async def sign(
        self, account_sid: str, identity: str, grants: Mapping[str, Any], seconds: int, *, request_id: str
    ) -> tuple[str, datetime]:
        """Make an access token; return it and the domain time of its end."""
        for attempt in (1, 2):
            key_sid = await self._key(account_sid, request_id, make_anew=attempt == 2)
            try:
                return await self._tokens.sign(account_sid, key_sid, identity, grants, seconds)
            except NoSuchKey:  # the operator removed it
                if attempt == 2:
                    raise
        raise AssertionError("unreachable: the loop returns or raises")

    async def _key(self, account_sid: str, request_id: str, *, make_anew: bool) -> str:
        known = None if make_anew else await self._database.read(account_sid, store.fetch_key)
        if known is not None:
            return known

        async def work(uow: UnitOfWork) -> str:
            await store.lock_configuration(uow)
            earlier = None if make_anew else await store.fetch_key(uow)
            if earlier is not None:
                return earlier
            key, _ = await accounts.create_key(uow, self._box, friendly_name=KEY_NAME)
            await store.put_key(uow, key.sid)
            return key.sid

        return await self._database.step(account_sid, work, request_id=request_id)
