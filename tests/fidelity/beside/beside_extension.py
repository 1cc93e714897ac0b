"""An IPython extension of the user's own."""

from IPython.core.magic import Magics, cell_magic, line_magic, magics_class


@magics_class
class Shouting(Magics):
    @line_magic
    def shout(self, line):
        print(line.upper())
        return len(line)

    @cell_magic
    def backwards(self, line, cell):
        print(cell.strip()[::-1], line)


def load_ipython_extension(shell):
    shell.register_magics(Shouting)
    shell.push({"from_extension": "pushed"})


def unload_ipython_extension(shell):
    print("unloaded")
