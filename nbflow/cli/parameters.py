"""Options that give a run values for its notebook's parameters: papermill's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nbflow.errors import OptionError, ParameterError
from nbflow.model.duration import duration

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    Command = Callable[..., None]


class VariantName(click.ParamType[str]):
    """The name of a variant: one that is given isn't empty, and has no `~`, which stands before it."""

    name = "name"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name as given."""
        if not value.strip() or "~" in value or "/" in value:
            self.fail("a variant's name is a word of letters and digits, such as trial", param, ctx)
        return value


class Duration(click.ParamType["timedelta"]):
    """An elapsed time: `30s`, `5m`, `6h`, `1d`, or seconds; `zero` says whether none at all will do."""

    name = "duration"

    def __init__(self, *, zero: bool = False) -> None:
        self._zero = zero

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """The duration as given."""
        try:
            found = duration(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if not found and not self._zero:
            self.fail("it takes some time: write 30s, 5m or 6h", param, ctx)
        return found


def variant_option(help: str) -> Callable[[Command], Command]:
    """`--as NAME`: the command gets `variant`, "" where none is given."""
    return click.option(
        "--as",
        "variant",
        type=VariantName(),
        metavar="NAME",
        callback=lambda _ctx, _param, value: value or "",
        help=help,
    )


def parameter_options(command: Command) -> Command:
    """`-p`, `-r`, `-f` and `-y`: the command gets `parameters`, `raw`, `files` and `yamls`."""
    pair = {"nargs": 2, "multiple": True, "metavar": "NAME VALUE"}
    options = [
        click.option("-p", "--parameters", "parameters", help="A parameter's value.", **pair),
        click.option("-r", "--parameters_raw", "raw", help="The same, always as text.", **pair),
        click.option(
            "-f",
            "--parameters_file",
            "files",
            multiple=True,
            type=click.Path(path_type=Path),
            help="A YAML file of parameters.",
        ),
        click.option(
            "-y",
            "--parameters_yaml",
            "yamls",
            multiple=True,
            metavar="YAML",
            help="Parameters as YAML text.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def given_parameters(
    parameters: tuple[tuple[str, str], ...],
    raw: tuple[tuple[str, str], ...],
    files: tuple[Path, ...],
    yamls: tuple[str, ...],
) -> dict[str, object]:
    """Parameters in papermill's order of precedence: files, YAML, `-p`, `-r`; later ones win."""
    found: dict[str, object] = {}
    texts = []
    for file in files:
        try:
            texts.append((str(file), file.read_text("utf-8")))
        except OSError as error:
            raise OptionError(f"-f {file}: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise OptionError(f"-f {file} is not text in UTF-8: {error.reason}") from error
    texts += [("-y", text) for text in yamls]
    for where, text in texts:
        found |= _from_yaml(where, text)
    found |= {name: typed_value(value) for name, value in parameters}
    found |= dict(raw)
    return found


def _from_yaml(where: str, text: str) -> dict[str, object]:
    import yaml  # takes longer than most commands' own work

    try:
        loaded = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise ParameterError(f"{where} is not YAML: {error}") from error
    if not isinstance(loaded, dict):
        raise ParameterError(f"{where} must hold a mapping of names to values, such as `carrier: UA`")
    return {str(name): value for name, value in loaded.items()}


def typed_value(text: str) -> object:
    """A value of `-p` as papermill's command line reads it: True, None, numbers, else text."""
    words = {"True": True, "False": False, "None": None}
    if text in words:
        return words[text]
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text
