"""The command line: `nbflow`."""
