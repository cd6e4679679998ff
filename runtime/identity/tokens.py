"""Secrets that we give out: 256 random bits, of which only a hash is kept."""

import hashlib
import secrets


def new_token() -> str:
    """Make a secret that nobody guesses."""
    return secrets.token_urlsafe(32)


def hashed(secret: str) -> str:
    """A fast hash is right for secrets that are 256 random bits."""
    return hashlib.sha256(secret.encode()).hexdigest()
