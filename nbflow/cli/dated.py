"""Commands that take a date, so that `-14d` is read as one and not as options."""

from __future__ import annotations

import re

import click

_DAYS_BACK = re.compile(r"-\d+d(~.*)?")


class DatedCommand(click.Command):
    """A command with a DATE among its arguments."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse, with `-14d` written as the `today-14d` it stands for where click sees an option in it."""
        try:
            return super().parse_args(ctx, list(args))
        except click.NoSuchOption:
            words = [f"today{word}" if _DAYS_BACK.fullmatch(word) else word for word in args]
            return super().parse_args(ctx, words)
