"""What a terminal would obey never reaches it from a name, an error or a log."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbflow.model.printable import coloured, printable, whole

ESC = "\x1b"
OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
ANYTHING = st.text(
    st.sampled_from([*"ab;0123m[]?P\\ \n\t\r", ESC, "\x07", "\x9b", "\x00", "\u202e"]) | st.characters()
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("추출 é, tab\tstays", "추출 é, tab\tstays"),
        (f"{ESC}]0;title\x07", r"\x1b]0;title\x07"),
        ("\x9b2J", r"\x9b2J"),
        ("a\nb\r", r"a\nb\r"),
        ("file\u202egnp.ipynb", r"file\u202egnp.ipynb"),
    ],
)
def test_a_name_is_shown_with_what_it_has_in_it(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_lines_of_an_error_stay_lines() -> None:
    assert printable("first\nsecond\x08", lines=True) == "first\nsecond\\x08"


@given(ANYTHING)
def test_nothing_obeyed_is_left_of_any_text(text: str) -> None:
    assert not OBEYED.search(printable(text, lines=True))
    assert "\n" not in printable(text)
    assert printable(printable(text)) == printable(text)


@pytest.mark.parametrize(
    ("name", "text", "kept"),
    [
        ("colours stay", f"{ESC}[1;31mred{ESC}[0m", f"{ESC}[1;31mred{ESC}[0m"),
        ("a window's title goes", f"a{ESC}]0;owned\x07b", "ab"),
        ("a title without its end takes the rest of its line", f"a{ESC}]0;owned\nnext", "a\nnext"),
        ("clipboard writes go", f"{ESC}]52;c;cm0gLXJm{ESC}\\x", "x"),
        ("the cursor stays where it is", f"a{ESC}[2J{ESC}[1;1Hb", "ab"),
        ("a question to the terminal goes", f"{ESC}[6n{ESC}[c", ""),
        ("device strings go", f"{ESC}P1$r0m{ESC}\\ok", "ok"),
        ("a character set stays as it is", f"{ESC}(0lqk", "lqk"),
        ("a bell is not rung", "ding\x07", "ding"),
        ("the one-byte introducer goes", "\x9b31mred", "31mred"),
        ("bars redraw their line", "10%\r20%\n", "10%\r20%\n"),
    ],
)
def test_of_a_log(name: str, text: str, kept: str) -> None:
    assert coloured(text) == kept


@given(ANYTHING)
def test_of_any_log_only_colours_and_line_ends_are_obeyed(text: str) -> None:
    left = re.sub(r"\x1b\[[0-9;:]*m", "", coloured(text))
    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", left)


@given(ANYTHING, st.integers(0, 40))
def test_a_text_that_comes_in_two_parts_shows_as_one(text: str, place: int) -> None:
    first, rest = whole(text[:place])
    assert first + rest == text[:place]
    assert coloured(first) + coloured(rest + text[place:]) == coloured(text)
