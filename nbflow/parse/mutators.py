"""Calls that are known to change what they are called on, the process, or names no text shows."""

from __future__ import annotations

METHODS = frozenset(
    {
        *("append", "extend", "insert", "pop", "remove", "clear", "sort", "reverse", "update", "setdefault"),
        *("add", "discard", "fit", "partial_fit", "popitem", "popleft", "appendleft", "extendleft", "rotate"),
        *("difference_update", "intersection_update", "symmetric_difference_update"),
    }
)
"""Methods that change their object; Airflow has no such list, design.md names the first two lines."""

FUNCTIONS = frozenset(
    {
        *("shuffle", "heappush", "heappop", "heapify", "heapreplace", "heappushpop", "insort", "insort_left"),
        *("insort_right", "setattr", "delattr", "next", "anext"),
    }
)
"""Functions that change their first argument, whether called by name or as `module.name`."""

PROCESS = frozenset(
    {
        *("chdir", "putenv", "unsetenv", "umask", "set_option", "set_options", "reset_option", "seed"),
        *("manual_seed", "set_seed", "set_random_seed", "setlocale", "filterwarnings", "simplefilter"),
        *("basicConfig", "set_theme", "set_style", "set_context", "set_palette", "setrecursionlimit"),
        *("set_printoptions", "set_config", "tzset", "register_matplotlib_converters", "load_dotenv"),
    }
)
"""Functions of modules that change the process: another task's process doesn't see it."""

RANDOM_SOURCES = frozenset({"default_rng", "RandomState", "Random", "Generator", "SystemRandom"})
ITERATOR_SOURCES = frozenset(
    {"iter", "count", "cycle", "map", "filter", "zip", "enumerate", "reversed", "open"}
)

OPAQUE = frozenset({"exec", "eval", "globals", "locals", "vars", "execfile"})
"""Builtins that may read or bind names that the text doesn't show."""

SAME = frozenset({"get", "setdefault", "view", "reshape", "ravel", "squeeze", "transpose", "swapaxes"})
"""Methods whose result may be a part of their object."""

PARTS = frozenset({"items", "values", "iterrows", "groups"})
"""Methods that give an iterable of parts of their object."""

HOLDERS = frozenset(
    {
        *(
            "list",
            "tuple",
            "set",
            "frozenset",
            "dict",
            "sorted",
            "reversed",
            "enumerate",
            "zip",
            "iter",
            "filter",
        ),
        *("deque", "defaultdict", "OrderedDict", "partial", "SimpleNamespace", "namedtuple", "chain", "copy"),
    }
)
"""Functions that give a new thing holding the parts of their arguments."""

ONE_OF = frozenset({"max", "min", "next", "getattr", "reduce"})
"""Functions that may give a part of an argument."""

SCALARS = frozenset(
    {
        *(
            "len",
            "int",
            "float",
            "str",
            "bool",
            "complex",
            "bytes",
            "abs",
            "round",
            "ord",
            "chr",
            "repr",
            "hash",
        ),
        *("hex", "bin", "oct", "any", "all", "isinstance", "issubclass", "callable", "id", "format", "input"),
        *("range", "type"),
    }
)
"""Builtins whose result has no inner state."""

QUERIES = frozenset({"query", "eval"})
"""Methods whose text may name variables as `@name` (pandas)."""

SQL_CALLS = frozenset({"sql", "query", "execute", "from_query", "query_df"})
"""Methods whose text may be SQL that reads variables as tables, where the notebook imports DuckDB."""

LAZY = frozenset(
    {"map", "filter", "zip", "enumerate", "iter", "reversed", "chain", "islice", "takewhile", "cycle"}
)
"""Functions whose result uses an iterable up only later."""

EAGER = frozenset(
    {"sorted", "min", "max", "sum", "any", "all", "list", "tuple", "set", "dict", "len", "reduce"}
)
"""Functions that run a function given to them before they return, and don't keep it."""

EAGER_METHODS = frozenset(
    {
        *(
            "apply",
            "applymap",
            "map",
            "agg",
            "aggregate",
            "transform",
            "pipe",
            "sort",
            "sort_values",
            "filter",
        ),
        *("assign", "groupby", "reduce", "map_elements", "sub"),
    }
)
"""The same for methods."""
