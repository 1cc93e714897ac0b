"""`%nbflow pull DATE TASK`: this kernel as the try had it, so that a person can go on from there."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from nbflow.codec import decode
from nbflow.errors import NbflowError, OptionError, XComError
from nbflow.execute.handover import taken
from nbflow.magics.notebook import this_notebook
from nbflow.model.cell import Role
from nbflow.service.board_target import fresh_target
from nbflow.service.lookup import name_of
from nbflow.service.pulling import pulled

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from IPython.core.interactiveshell import InteractiveShell

    from nbflow.magics.hand import Hand
    from nbflow.model.flow import Flow
    from nbflow.model.xcom import XComValue
    from nbflow.service.pulling import PulledTry

_USAGE = "%nbflow pull takes DATE TASK [--failed] [--into NAME] [--try N], and got: {words}"
_NO_KERNEL = "%nbflow pull needs a kernel with nbflow loaded: %load_ext nbflow"
_NO_NAME = "--into takes a name for the namespace, such as before; {name!r} is none."
_CELL_FAILED = "cell {number}, which runs before each task, failed here: {error}. Nothing was pulled."


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be pulled.

    Attributes:
        date: a date, `latest` or a run id.
        task: `clean`, `clean[3]`.
        failed: with the variables at the point of failure.
        into: a name: then the values go into a namespace of that name; "": into the kernel's own.
        number: which try; None: the latest.
    """

    date: str
    task: str
    failed: bool = False
    into: str = ""
    number: int | None = None


def pull_line(notebook: Path, words: list[str], puller: Puller | None) -> str:
    """Carry out `%nbflow pull WORDS`; what it has done, in words.

    Raises:
        NbflowError: the call is wrong, there is no such try, or what it had can't be read here.
    """
    if puller is None:
        raise OptionError(_NO_KERNEL)
    return puller.pull(notebook, read_wish(words))


def read_wish(words: list[str]) -> Wish:
    """`DATE TASK [--failed] [--into NAME] [--try N]`, options anywhere.

    Raises:
        OptionError: it is something else.
    """
    plain: list[str] = []
    said: dict[str, Any] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        flag, equals, value = word.partition("=")
        if word == "--failed":
            said["failed"] = True
        elif flag in ("--into", "--try") and (equals or rest):
            value = value if equals else rest.pop(0)
            said["into" if flag == "--into" else "number"] = value
        else:
            plain.append(word)
    number = said.pop("number", None)
    bad = any(word.startswith("--") for word in plain) or (number is not None and not number.isdecimal())
    if len(plain) != 2 or bad:
        raise OptionError(_USAGE.format(words=" ".join(words) or "nothing"))
    if "into" in said and not said["into"].isidentifier():
        raise OptionError(_NO_NAME.format(name=said["into"]))
    return Wish(date=plain[0], task=plain[1], number=None if number is None else int(number), **said)


class Puller:
    """Puts what tries had into one kernel.

    Args:
        shell: of the kernel.
        hand: what it knows of its date and task.
        anew: called when another date is worked on.
    """

    def __init__(self, shell: InteractiveShell, hand: Hand, anew: Callable[[], None]) -> None:
        self._shell = shell
        self._hand = hand
        self._anew = anew

    @property
    def chosen_ds(self) -> str | None:
        """The date a person has chosen to work on, None where nobody has."""
        return self._hand.chosen_ds

    def answer(self, details: Mapping[str, Any]) -> str:
        """As `pull`, asked for by the board of this kernel's notebook: `run_id`, `task_id`, `map_index`, `failed`.

        Raises:
            NbflowError: see `pull`.
        """
        import os

        notebook = this_notebook("pull DATE TASK", self._shell.user_ns, os.environ)
        task, index = str(details.get("task_id", "")), details.get("map_index", -1)
        wish = Wish(
            date=str(details.get("run_id", "")),
            task=f"{task}[{index}]" if isinstance(index, int) and index >= 0 else task,
            failed=bool(details.get("failed")),
            number=details.get("try_number"),
        )
        return self.pull(notebook, wish)

    def pull(self, notebook: Path, wish: Wish) -> str:
        """Run the shared cells, then set what the try had: its inputs, parameters and `ds`; what it came to, in words.

        Raises:
            NbflowError: there is no such try, a shared cell fails, or what the try had can't be read here. Nothing
                of it is set then.
        """
        target = fresh_target(notebook)
        with pulled(target, wish.date, wish.task, failed=wish.failed, number=wish.number) as found:
            if not wish.into:
                self._run_shared(target.flow, found.key.task_id)
            values = self._values(found)
        if wish.into:
            return self._give_namespace(wish.into, found, values)
        return self._set(found, values)

    def _run_shared(self, flow: Flow, task_id: str) -> None:
        """Run what runs before the task in a run: the shared cells above it, and imports of other tasks' cells."""
        own = flow.cells_of(task_id)
        end = own[-1].index if own else len(flow.cells)
        for cell in flow.cells[:end]:
            if cell.task_id is None and cell.role in (Role.SHARED, Role.PARAMETERS):
                self._run(cell.source, f"{cell.number}")
        if imports := flow.imports.get(task_id):
            self._run(imports, "with imports")

    def _run(self, source: str, number: str) -> None:
        from IPython.utils.capture import capture_output

        with capture_output():  # a person has seen what it prints
            result = self._shell.run_cell(source, store_history=False)
        error = result.error_before_exec or result.error_in_exec
        if error is not None:
            said = f"{type(error).__name__}: {error}"
            raise NbflowError(_CELL_FAILED.format(number=number, error=said))

    def _values(self, found: PulledTry) -> dict[str, object]:
        """Everything decoded, before any of it is set; later ones win: variables at the failure over inputs."""
        namespace = self._shell.user_ns

        def read(value: XComValue) -> object:
            return decode(value, namespace=namespace)

        values: dict[str, object] = dict(found.params)
        values |= taken(found.inputs, read)
        values |= {name: [read(one) for one in some] for name, some in found.collected.items()}
        if found.item is not None:
            values |= cast("Mapping[str, object]", read(found.item))
        for value in found.variables:
            try:
                values[value.key] = read(value)
            except XComError:
                if value.key not in values:  # what can't be read is said to be missing
                    values[value.key] = _UNREADABLE
        return values

    def _give_namespace(self, name: str, found: PulledTry, values: Mapping[str, object]) -> str:
        readable = {key: value for key, value in values.items() if value is not _UNREADABLE}
        before = name in self._shell.user_ns
        self._shell.user_ns[name] = SimpleNamespace(**readable)
        return "\n".join(
            [
                f"{_head(found)} → {name}{' (as it was before is gone)' if before else ''}: {_listed(readable)}",
                *_rest(found, values),
            ]
        )

    def _set(self, found: PulledTry, values: Mapping[str, object]) -> str:
        readable = {key: value for key, value in values.items() if value is not _UNREADABLE}
        namespace = self._shell.user_ns
        overwritten = [
            key for key in readable if key in namespace and not _same(namespace[key], readable[key])
        ]
        namespace.update(readable)
        date = self._hand.work_on(found.run.interval, found.label)
        self._anew()
        self._hand.enter(found.key.task_id)
        said = [f"{_head(found)}: {_listed(readable) if readable else 'it had no inputs'}"]
        said += [f"overwritten here: {_listed(overwritten)}"] if overwritten else []
        said += _rest(found, values)
        return "\n".join([*said, f"{date}; %dag --date reset returns"])


_UNREADABLE = object()


def _head(found: PulledTry) -> str:
    return f"pulled {found.label} {name_of(found.key)}, try {found.tried.try_number}"


def _rest(found: PulledTry, values: Mapping[str, object]) -> list[str]:
    """What else is to be said: where it failed, what was unset, what was not kept."""
    said = [f"it failed: {found.tried.reason}"] if found.variables else []
    said += found.notes
    said += [f"unset, as in the run: {name} ({why})" for name, why in found.missing.items()]
    said += [f"not kept: {one}" for one in found.left_out]
    unread = [name for name, value in values.items() if value is _UNREADABLE]
    return said + ([f"not readable here: {_listed(unread)}"] if unread else [])


def _listed(names: Mapping[str, object] | list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _same(one: object, other: object) -> bool:
    """Whether they are plainly the same: nobody's own comparison is asked."""
    if one is other:
        return True
    plain = (bool, int, float, str, bytes, type(None))
    return type(one) is type(other) and isinstance(one, plain) and one == other
