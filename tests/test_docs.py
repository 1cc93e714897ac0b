"""The README and the help say what there is, and nothing else."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import nbformat
import pytest
from click.testing import CliRunner

from nbflow.cli import VERBS, nbflow
from nbflow.parse.options import TASK_OPTIONS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
FLIGHTS = "\n".join(
    cell.source for cell in nbformat.read(ROOT / "notebooks" / "flights.ipynb", as_version=4).cells
)
COMMANDS = {verb: nbflow.get_command(click.Context(nbflow), verb) for verb in VERBS}
# `nbflow verb …` in code spans, code blocks and tables.
WRITTEN = sorted(
    set(re.findall(r"(?:^|[`$&] ?)nbflow ((?:[a-z]+)\b[^`\n|]*)", README + "\n" + FLIGHTS, re.MULTILINE))
)


def test_there_is_something_to_check() -> None:
    assert len(WRITTEN) > 15


@pytest.mark.parametrize("verb", VERBS)
def test_every_command_is_in_the_readme_and_explains_itself(verb: str) -> None:
    command = COMMANDS[verb]
    assert command is not None
    assert re.search(rf"nbflow {verb}[ `]", README)
    assert command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{verb} {parameter.opts}"


@pytest.mark.parametrize("written", WRITTEN)
def test_every_command_written_down_exists_with_its_options(written: str) -> None:
    verb, *rest = shlex.split(written.replace("…", ""))
    command = COMMANDS.get(verb)
    assert command is not None, f"nbflow {verb}"
    known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    used = {word for word in rest if re.match(r"--?[a-z]", word)}
    assert used <= known


@pytest.mark.parametrize("option", TASK_OPTIONS, ids=lambda option: option.flag)
def test_every_option_of_a_task_is_in_the_readme(option: object) -> None:
    assert f"`{option.flag}`" in README  # type: ignore[attr-defined]
    assert option.help  # type: ignore[attr-defined]


def test_every_local_link_and_picture_of_the_readme_is_there() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    pictures = re.findall(r'(?:src|srcset)="([^"]+)"', README)
    assert links
    assert pictures
    for link in (*links, *pictures):
        assert (ROOT / link).exists(), link


def test_the_help_names_every_command_and_what_it_does() -> None:
    shown = CliRunner().invoke(nbflow, ["--help"]).output
    for verb, what in VERBS.items():
        assert re.search(rf"^  {verb} +{re.escape(what)}$", shown, re.MULTILINE), verb
