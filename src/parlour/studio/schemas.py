"""Forms of Studio with the contract's limits."""

from datetime import datetime
from typing import Annotated

from parlour.rest.forms import Form, JsonObject, Limit, choice, param

STATUSES = choice("draft", "published")
EXECUTION_STATUSES = choice("active", "ended")
MAX_NAME = 255
"""Characters of a friendly name or commit message: bounds the row, the contract names no limit."""

Name = Annotated[str, Limit(min=1, max=MAX_NAME)]
Message = Annotated[str, Limit(max=MAX_NAME)]


class CreateFlow(Form):
    """Parameters of a new flow, and of a validation."""

    friendly_name: Name
    status: Annotated[str, STATUSES]
    definition: str
    commit_message: Message | None = None


class UpdateFlow(Form):
    """Parameters of a new revision."""

    status: Annotated[str, STATUSES]
    friendly_name: Name | None = None
    definition: str | None = None
    commit_message: Message | None = None


class TestUsers(Form):
    """The addresses that run the newest draft."""

    test_users: list[str]


class CreateExecution(Form):
    """Parameters of an execution started by REST."""

    to: Annotated[str, Limit(min=1)]
    from_: Annotated[str, Limit(min=1)] = param("From", default="")
    parameters: Annotated[str, JsonObject()] = "{}"


class UpdateExecution(Form):
    """Parameters of an execution's update."""

    status: Annotated[str, EXECUTION_STATUSES]


class ListExecutions(Form):
    """Filters of the list of executions; `status` is lower case in the contract."""

    status: Annotated[str, EXECUTION_STATUSES] | None = param("status")
    upper_status: Annotated[str, EXECUTION_STATUSES] | None = param("Status")
    date_created_from: datetime | None = None
    date_created_to: datetime | None = None


class ListExecutionsV1(Form):
    """Filters of the list of executions in v1."""

    date_created_from: datetime | None = None
    date_created_to: datetime | None = None
