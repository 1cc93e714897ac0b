"""What runs inside the kernel of a try: an IPython extension with three magics.

`%nbflow_try BRIEF` prepares the kernel, `%nbflow_inputs` sets what other tasks gave, `%nbflow_outputs` hands
on what this one leaves. In a kernel that isn't the try's own (somebody opened its notebook and runs it again)
the first two work and nothing is written.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from IPython.core.magic import no_var_expand

from nbflow.current import set_current
from nbflow.errors import CannotCarry, Fail, NbflowError, Skip
from nbflow.execute.brief import HANG_FILE, REPORT_FILE, TRY_VARIABLE, Brief, CellPlace
from nbflow.execute.chance import chance_notes, chance_states, seeded_sources
from nbflow.execute.outcome import error_to_json, write_whole
from nbflow.execute.place import place_of
from nbflow.execute.process import end_with_parent, leave_sockets_open, let_output_through, tell_of_crashes
from nbflow.execute.sources import code_name, name_cells
from nbflow.execute.ti import TaskInstance
from nbflow.model.context import context_of
from nbflow.model.work import FAILURE_FOLDER, STAGING_FOLDER, Result
from nbflow.parse.transformer import HeaderTransformer

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from IPython.core.interactiveshell import ExecutionInfo, ExecutionResult, InteractiveShell

    from nbflow.execute.fork.kernel import ChildSession
    from nbflow.model.work import ErrorPlace
    from nbflow.model.xcom import XComValue

_NOBODY_TO_ASK = (
    "input() asks somebody, and in a run nobody is there. Make the answer a parameter: assign it in the cell "
    "tagged `parameters`, and give another with -p."
)
_QUICK = 3.0  # seconds to save variables after an interrupt: the host's patience is 5


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Give the kernel the magics of a try."""
    TrySession(shell)


class TrySession:
    """One try in this kernel, from `%nbflow_try` to its report."""

    brief: Brief

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._live = False
        self._done = False
        self._child: ChildSession | None = None  # the way to the host, where this is its child
        self._cells: dict[str, CellPlace] = {}
        self._known: frozenset[str] = frozenset()
        self._files: dict[str, CellPlace] = {}
        self._running: tuple[str, CellPlace] | None = None
        self._returned: object = None
        self._shared: dict[str, object] = {}
        self._marks: dict[str, str] = {}
        self._chance: dict[str, str] = {}
        self._seeded: frozenset[str] = frozenset()
        self._given: dict[str, object] = {}
        self._params: dict[str, object] = {}
        for name, function in (
            ("nbflow_try", self.start),
            ("nbflow_inputs", self.take_inputs),
            ("nbflow_outputs", self.give_outputs),
        ):
            shell.magics_manager.register_function(_magic(function), "line", name)

    def start(self, line: str) -> None:
        """`%nbflow_try BRIEF`: prepare the kernel for the cells of the try that the brief tells of."""
        shell = self._shell
        self.brief = brief = Brief.from_json(json.loads(Path(line.strip()).read_text(encoding="utf-8")))
        self._live = os.environ.pop(TRY_VARIABLE, "") == brief.token
        self._cells = {cell.cell_id: cell for cell in brief.cells}
        self._known = brief.own_cells | self._cells.keys()
        self._params = dict(brief.params)
        self._ti = TaskInstance(brief.key, brief.try_number, brief.exchange, self._decode)
        context = context_of(
            brief.key,
            brief.interval,
            timezone=brief.timezone,
            try_number=brief.try_number,
            params={},
            previous_success=brief.previous_success,
        )
        self._given = {**context, "params": self._params, "ti": self._ti}
        set_current(self._given)
        shell.user_ns.update(
            {name: value for name, value in self._given.items() if name not in brief.assigned}
        )
        transformers = shell.input_transformer_manager
        transformers.cleanup_transforms.append(HeaderTransformer(transformers, installs=False))
        name_cells(shell, brief.others)
        for other in brief.others:
            place = CellPlace(cell_id=other.cell_id, number=other.number)
            self._files[code_name(other.source)] = place
        shell.set_custom_exc((NameError, NbflowError), _shown_by(self))
        if self._live:
            shell.ask_exit = _exit  # type: ignore[attr-defined] `exit` would stop the kernel under the try
            shell.events.register("pre_run_cell", self._before)
            shell.events.register("post_run_cell", self._after)
            self._count_on(None)
            self._chance = chance_states()
            end_with_parent(int(os.environ.get("JPY_PARENT_PID", os.getppid())))
            session = shell.kernel.session  # type: ignore[attr-defined]
            self._child = session if hasattr(session, "tell") else None
            leave_sockets_open()
            tell_of_crashes(brief.folder / HANG_FILE, brief.timeout)

    def take_inputs(self, _line: str) -> None:
        """`%nbflow_inputs`: set the names that other tasks gave."""
        from nbflow.execute.handover import by_reference, fingerprints, taken, watched_values

        brief, namespace = self.brief, self._shell.user_ns
        self._params.update({name: namespace[name] for name in brief.parameters if name in namespace})
        self._shared = by_reference(brief.shared, namespace)
        # All of them before any is set: they refer to what shared cells defined under these names.
        namespace.update(taken(brief.inputs, self._decode))
        if self._live:
            self._marks = fingerprints(watched_values(brief.watched, namespace))
            before, self._chance = self._chance, chance_states()
            self._seeded = seeded_sources(before, self._chance)

    def give_outputs(self, _line: str) -> None:
        """`%nbflow_outputs`: hand on what the task leaves, and report success."""
        if self._live and not self._done:
            self._finish()

    def _finish(self) -> None:
        from nbflow.execute.handover import change_notes, hand_over

        brief, namespace = self.brief, self._shell.user_ns
        task_id = brief.key.task_id
        changed = change_notes(brief, self._marks, namespace)
        if changed and brief.strict:
            raise Fail(" ".join(changed.values()))
        notes = (*changed.values(), *chance_notes(task_id, self._seeded, self._chance))
        handover = hand_over(
            task_id,
            namespace,
            brief.exports,
            pushed=self._ti.pushed,
            returned=self._returned,
            shared=self._shared,
            folder=brief.folder / STAGING_FOLDER,
            ties=brief.ties.without(changed),
        )
        self._report(Result.SUCCESS, "", None, xcoms=handover.xcoms, notes=notes + handover.notes)

    def _before(self, info: ExecutionInfo) -> None:
        cell = self._cells.get(info.cell_id or "")
        if cell is None or info.silent:
            return
        number = self._shell.execution_count
        source = info.raw_cell or ""
        file = self._shell.compile.get_code_name(source, source, number)
        self._files[file] = cell
        self._running = (file, cell)

    def _after(self, result: ExecutionResult) -> None:
        info = result.info
        cell_id = "" if info is None else info.cell_id or ""
        if info is None or info.silent or self._done or cell_id not in self._known:
            return  # of a cell that a cell runs, say
        cell = self._cells.get(cell_id)
        if self._child is None:
            let_output_through()
        error = result.error_before_exec or result.error_in_exec
        try:
            if error is None:
                if cell is not None and cell.own and result.result is not None:
                    self._returned = result.result
            elif isinstance(error, SystemExit) and error.code in (None, 0):
                self._finish()
            else:
                self._fail(error)
        except Exception as problem:  # noqa: BLE001 IPython would print it and go on
            self._fail(problem)
        if cell is not None:
            self._running = None
            self._count_on(cell)

    def _count_on(self, cell: CellPlace | None) -> None:
        """Have the next cell of the notebook run as `In [its number]`, so that tracebacks name it so."""
        cells = self.brief.cells
        following = 0 if cell is None else cells.index(cell) + 1
        if following < len(cells):
            self._shell.execution_count = cells[following].number

    def _fail(self, error: BaseException) -> None:
        place = place_of(error, self._files, self._running)
        if isinstance(error, Skip):
            self._report(Result.SKIPPED, place.message or "skipped by its cell", None)
            return
        result = Result.FAIL if isinstance(error, (Fail, CannotCarry)) else Result.FAILED
        if type(error).__name__ == "StdinNotImplementedError":
            place = replace(place, message=_NOBODY_TO_ASK)
        reason = str(error) if isinstance(error, CannotCarry) else str(place)
        self._report(result, reason, place)
        seconds = _QUICK if isinstance(error, KeyboardInterrupt) else None
        self._capture(seconds)

    def _capture(self, seconds: float | None) -> None:
        from nbflow.execute.capture import SECONDS, capture

        shell = self._shell
        hidden = {*shell.user_ns_hidden, "In", "Out", "exit", "quit", "get_ipython"}
        variables = {
            name: value
            for name, value in shell.user_ns.items()
            if not name.startswith("_") and name not in hidden and self._given.get(name, self) is not value
        }
        capture(variables, self.brief.folder / FAILURE_FOLDER, seconds=seconds or SECONDS)

    def _report(
        self,
        result: Result,
        reason: str,
        error: ErrorPlace | None,
        *,
        xcoms: tuple[XComValue, ...] = (),
        notes: tuple[str, ...] = (),
    ) -> None:
        self._done = True
        report = {
            "result": result.value,
            "reason": reason,
            "error": error_to_json(error),
            "xcoms": [value.to_json() for value in xcoms],
            "notes": list(notes),
        }
        if self._child is None:
            write_whole(self.brief.folder / REPORT_FILE, json.dumps(report, ensure_ascii=False))
        else:
            self._child.tell("report", report)

    def _decode(self, value: XComValue) -> object:
        from nbflow.codec import decode

        return decode(value, namespace=self._shell.user_ns)


def _shown_by(session: TrySession) -> Callable[..., None]:
    """How errors are shown that nbflow knows more about than Python."""

    def show(
        shell: InteractiveShell,
        kind: type[BaseException],
        error: BaseException,
        traceback: TracebackType,
        tb_offset: int | None = None,
    ) -> None:
        if isinstance(error, NbflowError):
            shell._showtraceback(kind, error, [f"{kind.__name__}: {error}"])  # as IPython shows a UsageError
            return
        why = session.brief.missing.get(getattr(error, "name", None) or "")
        if why is not None:
            error.args = (f"{error.args[0] if error.args else error}: {why}",)
        shell.showtraceback((kind, error, traceback), tb_offset=tb_offset)

    return show


def _magic(function: Callable[[str], None]) -> Callable[[str], None]:
    """The bound method as a magic that gets its line as written: a path may have braces."""

    @no_var_expand
    def magic(line: str) -> None:
        function(line)

    return magic


def _exit() -> None:
    raise SystemExit(0)
