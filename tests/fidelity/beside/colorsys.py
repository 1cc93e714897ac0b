"""Has the name of a module of Python's: a kernel finds Python's, for its folders come before the notebook's."""

MINE = True
