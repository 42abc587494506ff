"""Parlour: the open, self-hosted Flex Conversations."""

__version__ = "0.1.0.dev0"
