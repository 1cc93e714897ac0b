"""What is secret: by the name it goes by. Listings, outputs and logs hide the same."""

from __future__ import annotations

import re

MASK = "***"
"""What stands in place of a secret."""

_NAMES = re.compile(
    r"access_?token|api_?key|authori[sz]ation|credential|keyfile|passphrase|passw|private_?key|secret|token",
    re.IGNORECASE,
)


def is_secret(name: str) -> bool:
    """Whether the name of a variable, or of a connection's extra, says that its value is secret."""
    return _NAMES.search(name) is not None
