"""The visit: one request of one actor, and how a route reads and writes as him.

Transactions are opened inside the route (`with visit.read() as tx`, `visit.run(work)`), never by a dependency: a
connection that waits for a free thread would starve the ones that hold a thread and wait for a connection.
"""

import hashlib
import json
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import Request
from sqlalchemy.exc import SQLAlchemyError
from starlette.background import BackgroundTask
from starlette.datastructures import FormData, UploadFile
from starlette.responses import Response

from engines.actor import Actor
from metadata.problems import Refusal
from runtime import audit, idempotency, transaction
from runtime.db.ids import new_id
from runtime.idempotency import Answer, Key, KeyReused, Work
from runtime.identity import Recognised
from runtime.identity.sessions import Session
from runtime.services import Services
from runtime.transaction import Cause, Tx
from runtime.web.answers import as_response
from runtime.web.limits import Places

T = TypeVar("T")
FORM_KEY = "idempotency-key"  # no field can be called so
CONFIRMING = ("confirm-password", "confirm-code", "confirm-again")  # what a form carries while its sender is asked
OF_THE_PAGE = (FORM_KEY, "csrf", *CONFIRMING)
PART_OF_A_FILE = 1 << 20


@dataclass(frozen=True)
class Visit:
    """One request of one actor."""

    request: Request
    services: Services
    actor: Actor
    session: Session | None = None

    @property
    def language(self) -> str:
        """The language to answer in."""
        return str(self.request.state.language)

    @property
    def csrf(self) -> str:
        """The token that every form of this session carries."""
        return self.session.csrf if self.session else ""

    @property
    def cause(self) -> Cause:
        return Cause(new_id(), "request", request=self.request.state.id)

    def read(self, seconds: float | None = None) -> AbstractContextManager[Tx]:
        """Read as the actor: `with visit.read() as tx`; a statement that takes too long is stopped."""
        return transaction.read(self.services, self.actor, self._just_read(), seconds)

    def write(self) -> AbstractContextManager[Tx]:
        """Write as the actor, once: `with visit.write() as tx`."""
        return transaction.begin(self.services, self.actor, self.cause, self._just_read())

    def run(self, work: Callable[[Tx], T]) -> T:
        """Write as the actor, again from the start after a deadlock."""
        return transaction.run(self.services, self.actor, work, self.cause, self._just_read())

    def once(self, work: Work) -> Response:
        """Write as the actor and answer; a repeat with the same Idempotency-Key gets the stored answer (S3)."""
        return as_response(self.once_by(self._key(), work))

    def once_prepared(self, prepare: Callable[[], Work]) -> Response:
        """The same for work that takes long to prepare: that is done before the transaction, and not for a repeat."""
        return as_response(self.once_prepared_by(self._key(), prepare))

    def once_by(self, key: Key | None, work: Work) -> Answer:
        """Write as the actor, once by a key that the route found, mostly that of a form (S3)."""
        return idempotency.once(self.services, self.actor, key, work, self.cause, self._just_read())

    def once_prepared_by(self, key: Key | None, prepare: Callable[[], Work]) -> Answer:
        """The same for work that takes long to prepare."""
        return idempotency.once_prepared(self.services, self.actor, key, prepare, self.cause)

    def once_with(self, form: FormData, work: Work) -> Response:
        """As `once`, where the body is a form with files: what is in them is part of the request."""
        sent = self.request.headers.get("idempotency-key")
        key = idempotency.key_of(self.actor, sent, self._route, _said(form) if sent else b"")
        return as_response(self.once_by(key, work))

    def form_key(self, form: FormData) -> Key | None:
        """The key of the form that a page drew, and what it says; None where it has none."""
        sent = form.get(FORM_KEY)
        said = sent if isinstance(sent, str) and sent else None
        key = idempotency.key_of(self.actor, said, self._route, _said(form))
        return key and key.of_a_form()

    def once_of_form(self, form: FormData, work: Callable[[Tx], object]) -> None:
        """The same where nothing is made that could be opened: other content of the same form is another request."""
        key = self.form_key(form)

        def done(tx: Tx) -> Answer:
            work(tx)
            return Answer()

        try:
            self.once_by(key, done)
        except KeyReused:
            self.once_by(key.of_its_content() if key else None, done)

    def heavy(self) -> AbstractContextManager[None]:
        """A place among the few heavy requests that run at a time: `with visit.heavy():`."""
        places: Places = self.request.app.state.places
        return places.take(str(self.actor.member))

    def tell(self, answer: Response, action: str, **what: Any) -> Response:
        """Say in the audit trail what was only read, once the answer is out: no reader waits for a writer."""

        def note() -> None:
            with suppress(Refusal, SQLAlchemyError):  # a full disk stops nobody from reading
                self.run(lambda tx: audit.note(tx, action, **what))

        answer.background = BackgroundTask(note)
        return answer

    def _just_read(self) -> Recognised | None:
        """What was read with the session serves the first transaction of the request; a later one reads it anew."""
        found: Recognised | None = getattr(self.request.state, "recognised", None)
        self.request.state.recognised = None
        return found

    @property
    def _route(self) -> str:
        return f"{self.request.method} {self.request.scope['path']}"

    def _key(self) -> Key | None:
        body = self.request.scope["state"].get("body", b"")
        return idempotency.key_of(self.actor, self.request.headers.get("idempotency-key"), self._route, body)


def _said(form: FormData) -> bytes:
    """What a form says, files by what is in them: the boundaries of its parts differ each time it is sent."""
    told = [[name, _content(value)] for name, value in form.multi_items() if name not in OF_THE_PAGE]
    return json.dumps(told).encode()


def _content(value: UploadFile | str) -> str | list[str]:
    if isinstance(value, str):
        return value
    digest = hashlib.sha256()
    while part := value.file.read(PART_OF_A_FILE):
        digest.update(part)
    value.file.seek(0)
    return [value.filename or "", digest.hexdigest()]
