"""Point the official ``twilio`` Python package at a Parlour host. Imports nothing of the server."""

from parlour.sdk.client import ParlourHttpClient, client

__all__ = ["ParlourHttpClient", "client"]
