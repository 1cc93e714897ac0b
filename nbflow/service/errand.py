"""Getting runs done that somebody has asked for: by whoever holds the home, else by this process.

A process that holds the home is asked by commands (`asking`) and then followed. Where it ends before the runs
have, this process asks the next one, or takes the home itself. Nothing of the request is lost by that or done
twice: what an owner has said it has begun only goes on.
"""

from __future__ import annotations

import itertools
import secrets
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nbflow.errors import NbflowError
from nbflow.model.run import RunKey, run_id_of
from nbflow.model.state import RunState
from nbflow.plan.selection import Reprocess
from nbflow.service.admission import check_dag_id, check_unpaused
from nbflow.service.bodies import run_asked, run_marked
from nbflow.service.clock import now
from nbflow.service.follow import Follower
from nbflow.service.lookup import label_of
from nbflow.service.open_run import register
from nbflow.service.request import submissions_of
from nbflow.service.session import STOPPED, execute, take
from nbflow.service.submit import Standing, Submission
from nbflow.service.surroundings import asked_from_here

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nbflow.model.record import RunRecord
    from nbflow.model.run import Interval
    from nbflow.service.request import Prepared
    from nbflow.service.watcher import Watcher
    from nbflow.store.home import HomeLock
    from nbflow.store.state import StateStore

PORTION = 25  # runs that are asked for at once, so that the owner has time for other things in between
_LOOK = 0.05  # seconds between two looks for an answer


class Errand:
    """One request, until it is done."""

    def __init__(
        self,
        prepared: Prepared,
        lock: HomeLock,
        state: StateStore,
        watcher: Watcher,
        *,
        what: str,
        stop: bool,
    ) -> None:
        """Do nothing yet.

        Args:
            prepared: the request, with its intervals.
            lock: of the home.
            state: of the home.
            watcher: told of everything.
            what: the command, shown to others.
            stop: whether an interrupt stops runs that another process works on.
        """
        self._prepared = prepared
        self._lock = lock
        self._state = state
        self._watcher = watcher
        self._what = what
        self._stop = stop
        self._token = secrets.token_hex(16)
        self._begun: dict[RunKey, Standing] = {}  # what owners have answered
        self._questions: dict[int, Sequence[Interval]] = {}  # what nobody has answered
        self._told = False
        self._stopping: int | None = None  # the command that stops the runs
        self._dag_id = prepared.flow.dag.dag_id

    def run(self) -> list[RunRecord]:
        """See `api.run`."""
        over = False
        while not (ours := self._lock.acquire()):
            owner = self._state.owner()
            over = self._beside(owner)
            if over or self._stopping is not None:
                break
            if self._told:
                self._watcher.taken_over(owner)
        if ours and self._stopping is not None:  # whoever was to stop the runs has ended, and they with it
            self._state.commands.withdraw(self._stopping, now())
        elif ours:
            self._here()
        return self._records()

    def _records(self) -> list[RunRecord]:
        found = [self._state.run(self._key(interval)) for interval in self._prepared.intervals]
        return [record for record in found if record is not None]

    def _key(self, interval: Interval) -> RunKey:
        return RunKey(self._dag_id, run_id_of(interval.logical_date, self._prepared.request.variant))

    # By this process

    def _here(self) -> None:
        prepared, state = self._prepared, self._state
        take(state, self._what)
        check_dag_id(state, self._dag_id, prepared.request.notebook)
        register(state, prepared.workflow, [])
        check_unpaused(state, self._dag_id)
        todo = self._todo()
        self._tell(todo)
        if any(submission.standing is not Standing.DONE for submission in todo):
            execute(
                prepared.home,
                state,
                prepared.workflow,
                todo,
                parallelism=prepared.parallelism,
                listener=self._watcher.moved,
            )

    def _todo(self) -> list[Submission]:
        """What is left: what nobody has begun, as it was asked for; of what an owner had begun what isn't over."""
        prepared, found = self._prepared, list[Submission]()
        for begun, group in itertools.groupby(
            prepared.intervals, lambda interval: self._key(interval) in self._begun
        ):
            reprocess = Reprocess.NONE if begun else None
            found += submissions_of(prepared, self._state, group, reprocess=reprocess)
        return found

    def _tell(self, todo: list[Submission]) -> None:
        if not self._told:
            self._told = True
            self._watcher.begin(todo)

    # By another one

    def _beside(self, owner: str) -> bool:
        """Have the owner of the home do what is left; False when it has ended before that was done."""
        check_dag_id(self._state, self._dag_id, self._prepared.request.notebook)
        check_unpaused(self._state, self._dag_id)
        todo, since = self._todo(), self._state.last_transition()
        try:
            if not self._ask(todo):
                return False
        except KeyboardInterrupt:
            self._withdraw()  # nobody is to begin later what nobody has begun yet
            if not self._stop_runs():
                self._leave()
            raise
        follower = Follower(self._state, self._given, since=since, listener=self._watcher.moved)
        while True:
            try:
                self._tell([replace(one, standing=self._begun.get(one.key, one.standing)) for one in todo])
                if self._given and owner:
                    self._watcher.handed_to(owner)
                    owner = ""  # it is said
                return follower.until_over(self._prepared.home)
            except KeyboardInterrupt:
                if not self._stop_runs():
                    self._leave()
                    raise

    @property
    def _given(self) -> list[RunKey]:
        """The runs that an owner works on, or has worked on, for us."""
        return [key for key, standing in self._begun.items() if standing is not Standing.DONE]

    def _going_on(self) -> list[RunRecord]:
        records = [self._state.run(key) for key in self._given]
        return [record for record in records if record is not None and not record.state.finished]

    def _leave(self) -> None:
        zone = self._prepared.flow.dag.timezone
        if going_on := self._going_on():
            self._watcher.left([label_of(record, zone) for record in going_on])

    def _stop_runs(self) -> bool:
        """Have the owner stop the runs, where that is wanted; once is enough."""
        if not self._stop or self._stopping is not None or not (runs := self._going_on()):
            return False
        keys = (record.key for record in runs)
        body = run_marked(keys, RunState.FAILED, f"{STOPPED} Ctrl-C", unless_over=True)
        self._stopping = self._state.commands.add("mark", body, now())
        self._watcher.stopping()
        return True

    def _withdraw(self) -> None:
        """Take back what nobody has answered; what has been answered meanwhile is noted."""
        for number in self._questions:
            self._state.commands.withdraw(number, now())
            self._note(self._state.commands.answer_to(number) or {})
        self._questions.clear()

    def _ask(self, todo: list[Submission]) -> bool:
        """Ask the owner, and wait until it has begun; False when it has ended before that.

        Raises:
            NbflowError: it can't be done.
        """
        portions = self._portions(todo)
        while portions:
            asker = asked_from_here(self._prepared.home.root, self._prepared.environment)
            bodies = [self._body(portion, asker) for portion in portions]
            numbers = self._state.commands.add_all("run", bodies, now())
            self._questions = dict(zip(numbers, portions, strict=True))
            portions = []
            while self._questions:
                ours = self._lock.acquire()
                portions += self._take_answers()
                if ours:
                    self._withdraw()  # whoever held the home has ended without a look at them
                    return False
                if self._questions:
                    time.sleep(_LOOK)
        return True

    def _portions(self, todo: Sequence[Submission]) -> list[Sequence[Interval]]:
        """What is to be asked for, a question each; what an owner had begun isn't asked for with what none has."""
        wanted = [one for one in todo if one.standing is not Standing.DONE]
        found: list[Sequence[Interval]] = []
        for _, group in itertools.groupby(wanted, lambda one: one.key in self._begun):
            intervals = [one.interval for one in group]
            found += [intervals[place : place + PORTION] for place in range(0, len(intervals), PORTION)]
        return found

    def _take_answers(self) -> list[Sequence[Interval]]:
        """Note what the owner has answered so far, in order; gives the portions that it wants to be asked again.

        Raises:
            NbflowError: it can't be done; nothing more of it is begun then.
        """
        again: list[Sequence[Interval]] = []
        for number, portion in list(self._questions.items()):
            answer = self._state.commands.answer_to(number)
            if answer is None:
                break
            del self._questions[number]
            if "error" in answer:
                self._withdraw()
                raise NbflowError(str(answer["error"]))
            self._note(answer)
            if "again" in answer:
                again.append(portion)
        return again

    def _note(self, answer: Mapping[str, object]) -> None:
        pairs: Any = answer.get("runs", ())  # see `RunOrders.begin`
        for run_id, standing in pairs:
            key = RunKey(self._dag_id, run_id)
            if self._begun.get(key, Standing.DONE) is Standing.DONE:
                self._begun[key] = Standing(standing)

    def _body(self, portion: Sequence[Interval], asker: Mapping[str, object]) -> dict[str, object]:
        prepared, request = self._prepared, self._prepared.request
        begun = self._key(portion[0]) in self._begun
        return run_asked(
            request.notebook,
            self._dag_id,
            portion,
            request=self._token,
            run_type=prepared.run_type,
            params=request.params,
            variant=request.variant,
            reprocess=Reprocess.NONE if begun else request.reprocess,
            rerun_stale=request.rerun_stale,
            keep_stale=request.keep_stale,
            asker=asker,
        )
