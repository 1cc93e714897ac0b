"""The header as an input transformer: IPython runs the cell as if the header were an empty line.

A cell magic would get the body as text and run it a second time, one level down: `await`, `;`, line
numbers and nested cell magics would all behave a little differently. A transformer only takes the
header away; what remains runs as every other cell does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbflow.parse.header import HeaderKind, read_header
from nbflow.parse.source import without_installs

if TYPE_CHECKING:
    from IPython.core.inputtransformer2 import TransformerManager


class HeaderTransformer:
    """Takes `%%task`, `%task` and `%%scratch` headers off cells; goes last among IPython's clean-ups.

    Last, because an earlier place would let IPython strip the empty lines that keep line numbers true.
    """

    def __init__(self, manager: TransformerManager, *, installs: bool = True) -> None:
        """Make it for a kernel.

        Args:
            manager: the kernel's transformers.
            installs: whether lines such as `%pip install` run; in a run they never do.
        """
        self._manager = manager
        self._installs = installs

    def __call__(self, lines: list[str]) -> list[str]:
        """The cell's lines with empty ones in place of the header.

        Raises:
            IPython's UsageError: the header is wrong; the message says where and how. IPython shows it
                without a traceback.
        """
        source = "".join(lines)
        if not self._installs:
            lines = without_installs(source).splitlines(keepends=True)
        header = read_header(source)
        if header is None:
            return lines
        if header.problems:
            from IPython.core.error import UsageError

            raise UsageError(
                "\n".join(f"line {problem.line}: {problem.message}" for problem in header.problems)
            )
        if header.kind is HeaderKind.DAG:
            # A cell magic of its own: its body is TOML. IPython refuses a cell magic without any.
            return lines if len(lines) > 1 else [*lines, "\n"]
        start = header.lines
        while start < len(lines) and not lines[start].strip():
            start += 1
        return ["\n"] * start + self._as_a_cell(lines[start:])

    def _as_a_cell(self, body: list[str]) -> list[str]:
        """The body after everything IPython does to the first line of a cell."""
        from IPython.core.inputtransformer2 import cell_magic

        for transform in self._manager.cleanup_transforms:
            if transform is not self:
                body = transform(body)
        return cell_magic(body)
