"""What other processes ask the owner of a home to do, and its answers: rows of state.sqlite."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from nbflow.store import rows

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Mapping
    from contextlib import AbstractContextManager
    from datetime import datetime

    from nbflow.model.record import CommandRecord


class Commands:
    """The commands of a home. Any process adds them; whoever owns the home answers them, in order."""

    def __init__(
        self,
        db: sqlite3.Connection,
        sql: Mapping[str, str],
        transaction: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._db = db
        self._sql = sql
        self._transaction = transaction

    def add(self, verb: str, body: Mapping[str, object], at: datetime) -> int:
        """Ask for something; the id of the question."""
        return self.add_all(verb, [body], at)[0]

    def add_all(self, verb: str, bodies: Iterable[Mapping[str, object]], at: datetime) -> list[int]:
        """Ask for several things that are obeyed in this order, or for none; the ids of the questions."""
        questions = [{"verb": verb, "body": json.dumps(body), "at": rows.stamp(at)} for body in bodies]
        with self._transaction():
            return [self._db.execute(self._sql["add_command"], one).fetchone()[0] for one in questions]

    def open(self, *, most: int = -1) -> list[CommandRecord]:
        """What nobody has answered yet, first asked first; at most `most` (-1: all)."""
        return [rows.command(row) for row in self._db.execute(self._sql["open_commands"], {"most": most})]

    def answer(self, number: int, answer: Mapping[str, object], at: datetime) -> None:
        """Answer a question, within a transaction of the owner; one that has an answer keeps it."""
        values = {"id": number, "answer": json.dumps(answer), "at": rows.stamp(at)}
        self._db.execute(self._sql["answer_command"], values)

    def withdraw(self, number: int, at: datetime) -> None:
        """Take a question back that nobody has answered."""
        with self._transaction():
            self.answer(number, {"withdrawn": True}, at)

    def answer_to(self, number: int) -> Mapping[str, object] | None:
        """The owner's answer, None while there is none."""
        row = self._db.execute(self._sql["answer"], {"id": number}).fetchone()
        return json.loads(row["answer"]) if row else None
