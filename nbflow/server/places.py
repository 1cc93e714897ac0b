"""Which DAG a request is about: one whose notebook or home lies below the server's root, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbflow.errors import AddressError, NbflowError, OptionError
from nbflow.service.board_target import fresh_target
from nbflow.service.lookup import known_target
from nbflow.store.home import find_home

if TYPE_CHECKING:
    from pathlib import Path

    from nbflow.server.arguments import Arguments
    from nbflow.service.lookup import Target

_NEITHER = "say which DAG: ?notebook=PATH, or ?dag=ID&home=PATH; paths are relative to the server's root."
_BOTH = "notebook and dag name two DAGs; give one of them."
_NO_NOTEBOOK = "there is no notebook {name!r} below the server's root."
_NO_HOME = "there is no home (a .nbflow folder) at {name!r} below the server's root."


class OutsideRoot(NbflowError, PermissionError):
    """A request named a path that is not below the server's root."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name!r} is not below the server's root: nothing else is served.")


def target_of(arguments: Arguments, root: Path) -> Target:
    """The DAG that a request is about.

    Args:
        arguments: with `notebook` (a path), or `dag` (an id) and `home` (the path of a `.nbflow`, or of the folder
            it lies in). Paths are as Jupyter's contents API has them, relative to the root; absolute ones are
            allowed, because that is how a kernel knows its notebook.
        root: the server's root folder.

    Raises:
        OptionError: neither or both are given.
        OutsideRoot: the path leads out of the root; links count as what they lead to.
        AddressError: there is no such notebook, home or DAG.
        TrustError: it belongs to another user.
        NbflowError: the notebook can't be read as a workflow, and never could.
    """
    notebook, dag = arguments.text_or_none("notebook"), arguments.text_or_none("dag")
    if notebook and dag:
        raise OptionError(_BOTH)
    if notebook:
        path = _inside(notebook, root)
        if path.suffix != ".ipynb" or not path.is_file():
            raise AddressError(_NO_NOTEBOOK.format(name=notebook))
        return fresh_target(path)
    if dag:
        name = arguments.text("home", "the path of the home that knows the DAG")
        asked = _inside(name, root)
        home = find_home(asked)
        if not home.root.resolve().is_relative_to(root.resolve()):
            raise OutsideRoot(name)
        if asked not in (home.root, home.root.parent) or not home.state.exists():
            raise AddressError(_NO_HOME.format(name=name))
        return known_target(home, dag)
    raise OptionError(_NEITHER)


def _inside(name: str, root: Path) -> Path:
    """A path below the root, absolute and without links, there or not."""
    if "\0" in name:
        raise OutsideRoot(name)
    top = root.resolve()
    path = (top / name).resolve()
    if not path.is_relative_to(top):
        raise OutsideRoot(name)
    return path
