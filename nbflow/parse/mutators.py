"""Calls that are known to change what they are called on, the process, or names no text shows."""

from __future__ import annotations

METHODS = frozenset(
    {
        *("append", "extend", "insert", "pop", "remove", "clear", "sort", "reverse", "update", "setdefault"),
        *("add", "discard", "popitem", "popleft", "appendleft", "extendleft", "rotate", "move_to_end"),
        *("difference_update", "intersection_update", "symmetric_difference_update"),
        *("fit", "partial_fit", "fit_transform", "fit_predict", "fit_resample", "set_params"),  # scikit-learn
        *("fill", "resize", "put", "itemset", "setflags", "partition"),  # numpy
        *(
            "step",
            "zero_grad",
            "backward",
            "train",
            "load_state_dict",
            "compile",
            "load_weights",
        ),  # torch, keras
        *("add_node", "add_nodes_from", "add_edge", "add_edges_from", "add_weighted_edges_from"),  # networkx
        *("remove_node", "remove_nodes_from", "remove_edge", "remove_edges_from"),
        *(
            "add_trace",
            "add_traces",
            "update_layout",
            "update_traces",
            "update_xaxes",
            "update_yaxes",
        ),  # plotly
    }
)
"""Methods that change their object; design.md names the first ones."""

BARE_METHODS = frozenset({"eval"})
"""Methods that change their object when called without arguments: `model.eval()`, not `df.eval("a + b")`."""

DEEP = frozenset({"fit", "partial_fit", "fit_transform", "fit_predict", "step", "load_state_dict"})
"""Of the methods, those that change what their object holds too: a pipeline's steps, an optimiser's model."""

KEEPERS = frozenset(
    {
        *("append", "appendleft", "insert", "add", "extend", "extendleft", "setdefault", "update"),
        *("register", "subscribe"),
    }
)
"""Methods whose object holds their arguments afterwards."""

PLOTS = frozenset(
    {
        *("subplots", "subplot", "subplot_mosaic", "figure", "gca", "gcf", "axes", "add_subplot", "add_axes"),
        *("twinx", "twiny"),
    }
)
"""Functions that make a figure or its parts: whatever is called on one of them may draw."""

FUNCTIONS = frozenset(
    {
        *("shuffle", "heappush", "heappop", "heapify", "heapreplace", "heappushpop", "insort", "insort_left"),
        *("insort_right", "setattr", "delattr", "next", "anext", "setitem", "delitem", "iadd", "iconcat"),
        *("copyto", "place", "putmask", "put_along_axis", "fill_diagonal"),
    }
)
"""Functions that change their first argument, whether called by name or as `module.name`."""


def changes(method: str, *, bare: bool) -> bool:
    """Whether a method is known to change its object; `bare` when it is called without arguments."""
    in_place = method.endswith("_") and not method.startswith("_")  # torch: add_, zero_, requires_grad_
    return method in METHODS or in_place or (bare and method in BARE_METHODS)


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

PARTS = frozenset({"items", "values", "iterrows", "groups", "parameters", "modules", "children"})
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

ONE_OF = frozenset({"max", "min", "next", "getattr", "reduce", "vars"})
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
