"""The receiver of webhooks, for tests of what waits for one."""

from tests.webhooks.conftest import receiver

__all__ = ["receiver"]
