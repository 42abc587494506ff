"""Operations of the Flex configuration: JSON in and out (flex.md §3.1)."""

from parlour.flex import configuration, configuration_update, render
from parlour.flex.schemas import ListForm
from parlour.rest.errors import forbidden, invalid_parameter, missing_parameter
from parlour.rest.operations import ACCOUNT, TOKEN, Answer, Call, Operations
from parlour.rest.rights import ANY_TOKEN

operations = Operations("flex-api")


@operations.get("/v1/Configuration", form=ListForm, ignored=("UiVersion",), callers=ACCOUNT | TOKEN, rights=[ANY_TOKEN])
async def fetch_configuration(call: Call, _form: ListForm) -> Answer:
    """Read the configuration; a trailing slash does not matter."""
    return Answer(200, render.configuration(await call.read(configuration.fetch), call.urls))


@operations.post("/v1/Configuration", body="json")
async def update_configuration(call: Call, _form: object) -> Answer:
    """Change the keys that are named; each is replaced whole."""
    body = call.json()
    if not isinstance(body, dict):
        raise invalid_parameter("body", "must be a JSON object")
    if body.get("account_sid") in (None, ""):
        raise missing_parameter("account_sid")
    if body["account_sid"] != call.account_sid:
        raise forbidden(f"Invalid parameter account_sid: {str(body['account_sid'])[:64]} is not the account that calls")
    row = await call.step(lambda uow: configuration_update.update(uow, body))
    return Answer(200, render.configuration(row, call.urls))
