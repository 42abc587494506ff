"""Secrets at rest: encrypted under a key file that only its owner may read (DESIGN 2.12)."""

import base64
import os
import secrets
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
_NONCE_BYTES = 12


class SecretsBox:
    """Encrypts and decrypts secrets with AES-256-GCM."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    @classmethod
    def at(cls, path: Path) -> "SecretsBox":
        """Open the key file, or make it (0600) where there is none."""
        if not path.exists():
            fresh = path.with_name(f"{path.name}.{os.getpid()}")
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(fresh, path)
            except FileExistsError:
                pass  # another process was first; its key counts
            finally:
                fresh.unlink()
        return cls(base64.b64decode(path.read_bytes()))

    def seal(self, secret: str) -> bytes:
        """Encrypt a secret."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret.encode(), None)

    def open(self, sealed: bytes) -> str:
        """Decrypt what ``seal`` returned.

        :raises cryptography.exceptions.InvalidTag: another key was used or the bytes were changed.
        """
        return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None).decode()
