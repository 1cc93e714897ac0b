"""How cells go by hand: as in a run, one at a time."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

from nbflow.errors import BadValue
from nbflow.execute.meaning import meaning_of
from nbflow.execute.templates import Renderer, TemplateOptions, offer_templates, withdraw_templates
from nbflow.magics.choices import Choices
from nbflow.magics.hand_cell import cell_of
from nbflow.magics.items import Items
from nbflow.magics.progress import Progress
from nbflow.magics.rounds import NAME, Looks, Passed, Rounds, told
from nbflow.model.context import DagRun
from nbflow.model.task import SKIPPERS, TaskKind
from nbflow.model.work import Result

if TYPE_CHECKING:
    from IPython.core.interactiveshell import ExecutionInfo, ExecutionResult, InteractiveShell

    from nbflow.magics.hand import Hand
    from nbflow.magics.hand_cell import HandCell
    from nbflow.magics.rounds import Round
    from nbflow.model.task import TaskSpec


class Course:
    """What happens around the cells of one shell.

    Args:
        shell: runs them.
        hand: what the kernel knows.
    """

    def __init__(self, shell: InteractiveShell, hand: Hand) -> None:
        self._shell = shell
        self._hand = hand
        self._rounds = Rounds()
        self._choices = Choices()
        self._specs: dict[str, TaskSpec] = {}
        self._items: dict[str, Items] = {}
        self._running: tuple[ExecutionInfo, HandCell | None, Round | None] | None = None
        self._events = (("pre_run_cell", self._before), ("post_run_cell", self._after))

    def load(self) -> None:
        """Take part in what the shell runs."""
        for event, function in self._events:
            self._shell.events.register(event, function)
        self._shell.ast_transformers.append(self._rounds)
        self._templates = offer_templates(self._shell, self._rendered)
        setattr(self._shell, NAME, None)

    def unload(self) -> None:
        """Take part no more."""
        for event, function in self._events:
            self._shell.events.unregister(event, function)
        self._shell.ast_transformers.remove(self._rounds)
        withdraw_templates(self._shell, self._templates)
        delattr(self._shell, NAME)

    def begin_anew(self) -> None:
        """Another date was chosen: nothing has been chosen or gone through for it."""
        self._choices.forget()
        self._items.clear()

    def _before(self, info: ExecutionInfo) -> None:
        """Before a cell runs: find out how it goes."""
        if self._running is not None:
            return  # a cell that the running one runs (%%capture)
        hand = self._hand
        cell = cell_of(info, task=hand.task, specs=self._specs, dag=hand.dag, flow=hand.flow)
        round_ = None
        if cell is not None:
            if cell.begins:
                self._specs[cell.spec.task_id] = cell.spec
                hand.enter(cell.spec.task_id)
            round_ = self._round_of(cell)
        self._running = (info, cell, round_)
        hand.ti.items = round_ if isinstance(round_, Items) else None
        setattr(self._shell, NAME, round_)
        self._rounds.expect(loops=round_ is not None, with_value=isinstance(round_, Looks))

    def _round_of(self, cell: HandCell) -> Round | None:
        """How often a cell runs; None: once, as every other."""
        spec, hand = cell.spec, self._hand
        why = self._choices.why_not(spec.task_id, after=spec.after or (), flow=hand.flow)
        if why is not None:
            self._choices.pass_over(spec.task_id)
            return Passed(why)
        if spec.mapped:
            self._items[spec.task_id] = items = Items(
                spec,
                self._shell.user_ns,
                first=cell.first,
                before=self._items.get(spec.task_id),
                begins=cell.begins,
                progress=Progress(),
                indexed=hand.gives_index,
            )
            return items
        return Looks(spec) if spec.kind is TaskKind.SENSOR and cell.begins else None

    def _after(self, result: ExecutionResult) -> None:
        """After a cell ran: its value is its task's, and may be a choice."""
        if self._running is None or result.info is not self._running[0]:
            return
        _, cell, round_ = self._running
        self._running = None
        setattr(self._shell, NAME, None)
        self._hand.ti.items = None
        if cell is None or isinstance(round_, Passed) or (isinstance(round_, Looks) and round_.skipped):
            return
        if isinstance(round_, Items):
            self._after_items(cell.spec, round_)
        elif result.success:
            self._take(cell.spec, result.result)

    def _after_items(self, spec: TaskSpec, items: Items) -> None:
        """Collect what a mapped task's cell has given; or say where it stopped."""
        if not items.finished:
            if where := items.stop():
                print(f"stopped at {where}")
            return
        self._hand.ti.returned_each(items.values)
        if spec.collect:
            self._shell.user_ns[spec.collect] = items.values

    def _take(self, spec: TaskSpec, value: object) -> None:
        """Keep a cell's value, the last one that is there; see what it says where that decides what follows."""
        hand = self._hand
        if spec.kind not in (*SKIPPERS, TaskKind.SENSOR) or not (
            self._rounds.ends_in_value or value is not None
        ):
            hand.ti.returned(value)
            return
        flow = hand.flow
        known = flow is not None and spec.task_id in flow.tasks
        below = flow.graph.downstream(spec.task_id) if flow is not None and known else None
        try:
            meaning = meaning_of(spec.kind, value, task_id=spec.task_id, below=below)
        except BadValue as error:
            saved = "" if below is None else " (Of the notebook as it is saved.)"
            print(f"In a run this task would fail: {error}{saved}", file=sys.stderr)
            return
        if meaning.result is Result.WAITING:
            print(f"In a run this sensor would look again: {meaning.reason}")
            return
        hand.ti.returned(meaning.returned)
        if spec.kind in SKIPPERS:
            self._choices.take(
                spec.kind,
                spec.task_id,
                meaning.follow,
                respect_trigger_rules=spec.respect_trigger_rules,
            )

    def _rendered(self, text: str) -> str:
        """A cell's body with its templates filled in, unless its task wants it as it is."""
        cell, round_ = (None, None) if self._running is None else self._running[1:]
        if cell is not None and cell.spec.no_template:
            return text
        return told(partial(self._render, text, round_))

    def _render(self, text: str, round_: Round | None) -> str:
        context = self._hand.context()
        item = round_.item if isinstance(round_, Items) else {}
        index = {"map_index": round_.step} if isinstance(round_, Items) else {}
        names = {
            **context,
            **index,
            **item,
            "task_instance": context["ti"],
            "dag_run": DagRun.of(context),
        }
        dag = self._hand.dag
        options = TemplateOptions(filters=dag.user_defined_filters, macros=dag.user_defined_macros)
        return Renderer(lambda: names, self._shell.user_ns, options).render(text)
