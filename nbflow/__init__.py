"""nbflow: a notebook is a workflow."""

from __future__ import annotations

__version__ = "0.1.0"
