"""What the clients know: what was asked, what was acknowledged, and whether the database agrees."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from engines.actor import system
from runtime import transaction
from runtime.db import tables
from runtime.transaction import Tx
from tests.faults.books import APP, Books


@dataclass
class Ledger:
    """Written by the clients' threads, one key each, and read when they have ended."""

    asked: set[str] = field(default_factory=set)  # titles of entries
    created: dict[str, int] = field(default_factory=dict)  # title -> id, acknowledged
    noted: dict[tuple[int, int], str] = field(default_factory=dict)  # (id, version) -> note, acknowledged
    approved: set[int] = field(default_factory=set)  # tasks, acknowledged
    refused: list[str] = field(default_factory=list)  # answers that should not have been

    def contradictions(self, books: Books, mails: Sequence[tuple[str, str]]) -> list[str]:
        """Where the database, the mails that came and the ledger disagree."""
        with transaction.read(books.services, system("test")) as tx:
            found = self.refused + list(self._creations(tx, books)) + list(self._changes(tx))
            return [*found, *self._decisions(tx), *_unfinished_jobs(tx), *_mails(tx, books, mails)]

    def _creations(self, tx: Tx, books: Books) -> Iterator[str]:
        """Each acknowledged entry exists once, and each entry has exactly what follows from it."""
        forms = books.services.apps.live(tx, APP).forms
        entry = forms["t_entry"].table
        rows = list(tx.connection.execute(sa.select(entry.c.id, entry.c.f_title, entry.c.f_state)))
        titles = Counter(row.f_title for row in rows)
        ids = {row.f_title: row.id for row in rows}
        yield from (f"the entry {title} exists {count} times" for title, count in titles.items() if count != 1)
        yield from (f"nobody asked for the entry {title}" for title in set(titles) - self.asked)
        for title, id in self.created.items():
            if ids.get(title) != id:
                yield f"the entry {title} was acknowledged as {id}, it is {ids.get(title)}"
        for form, column in (("t_letter", "f_letter_of"), ("t_echo", "f_echo_of")):
            made = Counter(tx.connection.scalars(sa.select(forms[form].table.c[column])))
            if made != Counter(ids.values()):
                yield f"{form}: of {len(ids)} entries these have not exactly one: {_odd(made, ids.values())}"
        told = Counter(tx.connection.scalars(sa.select(tables.notification.c.title)))
        wanted = Counter(f"Entered {title}" for title in titles)
        wanted += Counter(f"Closed {row.f_title}" for row in rows if row.f_state == "closed")
        told = Counter({title: n for title, n in told.items() if title.startswith(("Entered", "Closed"))})
        if told != wanted:
            yield f"messages: {dict(told - wanted)} too many, {dict(wanted - told)} missing"

    def _changes(self, tx: Tx) -> Iterator[str]:
        history = tables.record_version
        found = sa.select(history.c.record, history.c.version, history.c.doc).where(history.c.form == "t_entry")
        notes = {(row.record, row.version): row.doc.get("f_note") for row in tx.connection.execute(found)}
        for key, note in self.noted.items():
            if notes.get(key) != note:
                yield f"the note {note} of {key} was acknowledged, the history has {notes.get(key)}"

    def _decisions(self, tx: Tx) -> Iterator[str]:
        task = tables.task
        outcomes = {row.id: row.outcome for row in tx.connection.execute(sa.select(task.c.id, task.c.outcome))}
        for id in self.approved:
            if outcomes.get(id) != "approve":
                yield f"the approval of task {id} was acknowledged, its outcome is {outcomes.get(id)}"


def _odd(made: Counter[int], ids: object) -> dict[int, int]:
    return {id: made[id] for id in {*made, *ids} if made[id] != 1}  # type: ignore[misc]


def _unfinished_jobs(tx: Tx) -> Iterator[str]:
    job = tables.job
    for row in tx.connection.execute(sa.select(job.c.key, job.c.state, job.c.last_error).where(job.c.state != "done")):
        yield f"the job {row.key} is {row.state}: {row.last_error}"


def _mails(tx: Tx, books: Books, mails: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Each closed entry was mailed of; a repeat carries the same Message-ID."""
    entry = books.services.apps.live(tx, APP).forms["t_entry"].table
    closed = tx.connection.scalars(sa.select(entry.c.f_title).where(entry.c.f_state == "closed"))
    wanted = Counter(f"Closed {title}" for title in closed)
    came = Counter(subject for _, subject in set(mails))
    if came != wanted:
        yield f"mails: {dict(came - wanted)} too many, {dict(wanted - came)} missing"
