"""A virtual environment for each tool, made on first use from the pinned requirements.

pip compiles what it installs to bytecode, so no tool pays for that while it is measured.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
CHECKOUT = HERE.parent
DEFAULT_FOLDER = Path.home() / ".cache" / "nbflow-benchmarks"


def requirements(name: str) -> Path:
    """The pins of an environment."""
    return HERE / "environments" / f"{name}.txt"


def python_of(name: str, folder: Path) -> Path:
    """The environment's Python, installed as pinned; made anew when the pins have changed.

    nbflow's own environment holds this checkout, installed as a user would and again when it has changed.

    Raises:
        RuntimeError: what pip said, when it can't be installed.
    """
    place = folder / name
    python = place / "bin" / "python"
    if not marked(place / "pins.sha256", pins := fingerprint(requirements(name))):
        print(f"making {place}", file=sys.stderr)
        call(sys.executable, "-m", "venv", "--clear", place)
        call(python, "-m", "pip", "install", "--quiet", "-r", requirements(name))
        (place / "pins.sha256").write_text(pins)
    if name == "nbflow":
        sources = sorted(path for path in (CHECKOUT / "nbflow").rglob("*") if path.suffix != ".pyc")
        checkout = fingerprint(CHECKOUT / "pyproject.toml", *(path for path in sources if path.is_file()))
        if not marked(place / "checkout.sha256", checkout):
            call(python, "-m", "pip", "install", "--quiet", "--no-deps", "--force-reinstall", CHECKOUT)
            (place / "checkout.sha256").write_text(checkout)
    return python


def fingerprint(*paths: Path) -> str:
    """One hash of some files."""
    found = hashlib.sha256()
    for path in paths:
        found.update(path.read_bytes())
    return found.hexdigest()


def marked(mark: Path, wanted: str) -> bool:
    """Whether what is installed is what is wanted."""
    return mark.is_file() and mark.read_text() == wanted


def version(python: Path, package: str) -> str:
    """The version of a package in an environment."""
    code = "import sys; from importlib.metadata import version; print(version(sys.argv[1]))"
    return call(python, "-c", code, package).strip()


def call(*words: str | Path) -> str:
    """What a command printed."""
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise RuntimeError(f"{' '.join(map(str, words[1:4]))}: {said[-1] if said else done.returncode}")
    return done.stdout
