"""DAGs that a home knows, named by a person; their notebooks need not be readable, nor be there any more."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nbflow.errors import AddressError
from nbflow.service.lookup import known_dags
from nbflow.service.params import guess
from nbflow.store.home import find_home

if TYPE_CHECKING:
    from nbflow.store.home import Home

_UNKNOWN = (
    "{home} knows no DAG {name!r}{guess} It knows: {known}. Put one on the schedule: nbflow schedule NOTEBOOK"
)


def find_registered(name: str) -> tuple[Home, str]:
    """The home and id of a DAG.

    Args:
        name: its id, in the home of the working directory; or the path of its notebook.

    Raises:
        AddressError: the home knows no such DAG; the message lists those it knows.
    """
    path = Path(name)
    by_path = path.suffix == ".ipynb" or path.exists()
    home = find_home(path if by_path else Path.cwd())
    records = known_dags(home)
    wanted = path.resolve()
    for record in sorted(records, key=lambda record: record.scheduled is None):
        if record.path == wanted if by_path else record.dag_id == name:
            return home, record.dag_id
    known = [record.dag_id for record in records]
    said = ", ".join(known) or "none"
    raise AddressError(_UNKNOWN.format(home=home.root, name=name, guess=guess(name, known), known=said))
