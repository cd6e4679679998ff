"""Who asks: coming in, staying in, and the secrets that prove it."""

from runtime.identity.recognised import NOBODY, NotSignedIn, Recognised, actor_of, key_actor, session_actor

__all__ = [
    "NOBODY",
    "NotSignedIn",
    "Recognised",
    "actor_of",
    "key_actor",
    "session_actor",
]
