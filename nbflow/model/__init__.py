"""Frozen values that travel between the floors. Nothing here reads a file, a clock or chance."""
