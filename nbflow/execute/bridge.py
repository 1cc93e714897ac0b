"""What runs inside the kernel of a try: an IPython extension with a few magics.

`%nbflow_try BRIEF` prepares the kernel, `%nbflow_inputs` sets what other tasks gave, `%nbflow_outputs` hands
on what this one leaves. In place of the last, `%nbflow_items` finds the items of a mapped task, and
`%nbflow_callback` calls a function of the notebook. In a kernel that isn't the try's own (somebody opened its
notebook and runs it again) all but the last two work and nothing is written.
"""

from __future__ import annotations

import json
import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, cast

from IPython.core.magic import no_var_expand

from nbflow.current import set_current
from nbflow.errors import Fail, WaitAgain
from nbflow.execute.brief import HANG_FILE, TRY_VARIABLE, Brief, CellPlace
from nbflow.execute.chance import chance_notes, chance_states, seeded_sources
from nbflow.execute.exchange import AskedOutside
from nbflow.execute.meaning import JUDGED, ends_in_value, meaning_of
from nbflow.execute.process import end_with_parent, leave_sockets_open, let_output_through, tell_of_crashes
from nbflow.execute.reporter import Reporter
from nbflow.execute.secrets import Secrets
from nbflow.execute.shown import show_errors
from nbflow.execute.sources import code_name, name_cells
from nbflow.execute.templates import Renderer, TemplateOptions, offer_templates
from nbflow.execute.ti import TaskInstance
from nbflow.execute.variables import Connections, Variables
from nbflow.model.context import DagRun, context_of
from nbflow.model.work import STAGING_FOLDER, Result
from nbflow.parse.source import parse
from nbflow.parse.transformer import HeaderTransformer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from IPython.core.interactiveshell import ExecutionInfo, ExecutionResult, InteractiveShell

    from nbflow.model.xcom import XComValue


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Give the kernel the magics of a try."""
    TrySession(shell)


class TrySession:
    """One try in this kernel, from `%nbflow_try` to its report."""

    brief: Brief
    _reporter: Reporter
    _renderer: Renderer

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._live = False
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
        self._item: Mapping[str, object] = {}
        for name, function in (
            ("nbflow_try", self.start),
            ("nbflow_inputs", self.take_inputs),
            ("nbflow_outputs", self.give_outputs),
            ("nbflow_items", self.find_items),
            ("nbflow_callback", self.call_back),
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
        outside = AskedOutside(brief.exchange)
        secrets = Secrets(getattr(getattr(shell, "kernel", None), "session", None))
        self._given = {
            **context,
            "params": self._params,
            "var": Variables(outside, secrets),
            "conn": Connections(outside, secrets),
            "ti": self._ti,
        }
        set_current(self._given, outside)
        self._reporter = Reporter(brief, shell, self._given, secrets)
        shell.user_ns.update(
            {name: value for name, value in self._given.items() if name not in brief.assigned}
        )
        transformers = shell.input_transformer_manager
        transformers.cleanup_transforms.append(HeaderTransformer(transformers, installs=False))
        name_cells(shell, brief.others)
        for other in brief.others:
            place = CellPlace(cell_id=other.cell_id, number=other.number)
            self._files[code_name(other.source)] = place
        show_errors(shell, brief.missing)
        options = TemplateOptions(filters=brief.purpose.filters, macros=brief.purpose.macros)
        self._renderer = Renderer(self._template_names, shell.user_ns, options)
        offer_templates(shell, self._rendered)
        if self._live:
            shell.ask_exit = _exit  # type: ignore[attr-defined] `exit` would stop the kernel under the try
            shell.events.register("pre_run_cell", self._before)
            shell.events.register("post_run_cell", self._after)
            self._count_on(None)
            self._chance = chance_states()
            end_with_parent(int(os.environ.get("JPY_PARENT_PID", os.getppid())))
            session = shell.kernel.session  # type: ignore[attr-defined]
            self._reporter.child = session if hasattr(session, "tell") else None
            leave_sockets_open()
            if brief.modules is not None:
                from nbflow.execute.modules import use_stored_modules

                self._reporter.also = use_stored_modules(brief.modules, Path.cwd()).notes
            tell_of_crashes(brief.folder / HANG_FILE, brief.timeout)

    def take_inputs(self, _line: str) -> None:
        """`%nbflow_inputs`: set the names that other tasks gave."""
        from nbflow.execute.handover import by_reference, fingerprints, taken, watched_values

        brief, namespace = self.brief, self._shell.user_ns
        self._params.update({name: namespace[name] for name in brief.parameters if name in namespace})
        self._shared = by_reference(brief.shared, namespace)
        # All of them before any is set: they refer to what shared cells defined under these names.
        found = taken(brief.inputs, self._decode)
        for name, values in brief.purpose.collected.items():
            found[name] = [self._decode(value) for value in values]
        if brief.purpose.item is not None:
            self._item = cast("Mapping[str, object]", self._decode(brief.purpose.item))
        namespace.update(found | dict(self._item))
        if self._live:
            self._marks = fingerprints(watched_values(brief.watched, namespace))
            before, self._chance = self._chance, chance_states()
            self._seeded = seeded_sources(before, self._chance)

    def give_outputs(self, _line: str) -> None:
        """`%nbflow_outputs`: hand on what the task leaves, and report success."""
        if self._live and not self._reporter.done:
            self._finish()

    def find_items(self, _line: str) -> None:
        """`%nbflow_items`: go through what the task is mapped over, and hand on the items."""
        if not self._live or self._reporter.done:
            return
        from nbflow.execute.expansion import expansion_of

        found = expansion_of(self.brief, self._shell.user_ns, shared=self._shared, renderer=self._renderer)
        self._reporter.report(Result.SUCCESS, str(found), xcoms=found.xcoms, items=found.labels)

    def call_back(self, _line: str) -> None:
        """`%nbflow_callback`: call the function that wants to be told."""
        callback = self.brief.purpose.callback
        if self._live and not self._reporter.done and callback is not None:
            from nbflow.execute.callback import call

            call(callback, self._given, self._shell.user_ns)
            self._reporter.report(Result.SUCCESS)

    def _finish(self) -> None:
        from nbflow.execute.handover import change_notes, hand_over

        brief, namespace = self.brief, self._shell.user_ns
        task_id = brief.key.task_id
        meaning = meaning_of(brief.purpose.kind, self._returned, task_id=task_id, below=brief.purpose.below)
        if meaning.result is Result.WAITING:
            self._reporter.report(Result.WAITING, meaning.reason)
            return
        changed = change_notes(brief, self._marks, namespace)
        if changed and brief.strict:
            raise Fail(" ".join(changed.values()))
        notes = (*changed.values(), *chance_notes(task_id, self._seeded, self._chance))
        handover = hand_over(
            task_id,
            namespace,
            brief.exports,
            pushed=self._ti.pushed,
            returned=meaning.returned,
            shared=self._shared,
            folder=brief.folder / STAGING_FOLDER,
            ties=brief.ties.without(changed),
            wanted=brief.purpose.wanted,
        )
        self._reporter.report(
            Result.SUCCESS,
            meaning.reason,
            xcoms=handover.xcoms,
            notes=notes + handover.notes,
            follow=meaning.follow,
        )

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
        if info is None or info.silent or self._reporter.done or cell_id not in self._known:
            return  # of a cell that a cell runs, say
        cell = self._cells.get(cell_id)
        if self._reporter.child is None:
            let_output_through()
        error = result.error_before_exec or result.error_in_exec
        try:
            if error is None:
                if cell is not None and cell.own:
                    self._take_value(result)
            elif isinstance(error, WaitAgain):
                self._reporter.report(
                    Result.WAITING, error.reason, again_after=timedelta(seconds=error.seconds)
                )
            elif isinstance(error, SystemExit) and error.code in (None, 0):
                self._finish()
            else:
                self._reporter.fail(error, self._files, self._running)
        except Exception as problem:  # noqa: BLE001 IPython would print it and go on
            self._reporter.fail(problem, self._files, self._running)
        if cell is not None:
            self._running = None
            self._count_on(cell)

    def _take_value(self, result: ExecutionResult) -> None:
        """Keep the value of a cell of the task: the last one that is there is the task's. Where it decides
        how the run goes on, None is a value too.
        """
        if result.result is not None or (
            self.brief.purpose.kind in JUDGED
            and result.info is not None
            and ends_in_value(parse(self._shell.transform_cell(result.info.raw_cell or "")).body)
        ):
            self._returned = result.result

    def _count_on(self, cell: CellPlace | None) -> None:
        """Have the next cell of the notebook run as `In [its number]`, so that tracebacks name it so."""
        cells = self.brief.cells
        following = 0 if cell is None else cells.index(cell) + 1
        if following < len(cells):
            self._shell.execution_count = cells[following].number

    def _template_names(self) -> dict[str, object]:
        return {
            **self._given,
            **self._item,
            "task_instance": self._ti,
            "dag_run": DagRun.of(self._given),
        }

    def _rendered(self, text: str) -> str:
        """A cell's body with its templates filled in, unless its task wants it as it is."""
        own = self._running is not None and self._running[1].own
        return text if own and self.brief.purpose.no_template else self._renderer.render(text)

    def _decode(self, value: XComValue) -> object:
        from nbflow.codec import decode

        return decode(value, namespace=self._shell.user_ns)


def _magic(function: Callable[[str], None]) -> Callable[[str], None]:
    """The bound method as a magic that gets its line as written: a path may have braces."""

    @no_var_expand
    def magic(line: str) -> None:
        function(line)

    return magic


def _exit() -> None:
    raise SystemExit(0)
