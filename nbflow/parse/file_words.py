"""Calls and statements that write files and tables or read them, by what they are called."""

from __future__ import annotations

import re

from nbflow.parse import mutators

FIRST = frozenset(
    {
        *(
            "to_csv",
            "to_parquet",
            "to_excel",
            "to_json",
            "to_pickle",
            "to_feather",
            "to_hdf",
            "to_html",
            "to_xml",
        ),
        *("to_stata", "to_latex", "to_markdown", "to_orc", "to_file", "to_zarr", "to_netcdf", "ExcelWriter"),
        *(
            "write_csv",
            "write_parquet",
            "write_json",
            "write_ndjson",
            "write_ipc",
            "write_excel",
            "write_delta",
        ),
        *("sink_csv", "sink_parquet", "savefig", "save", "savez", "savez_compressed", "savetxt", "tofile"),
        *("imwrite", "imsave", "write_image", "write_html", "save_model", "save_weights", "save_pretrained"),
    }
)
SECOND = frozenset({"dump", "save", "write_table", "write_feather", "urlretrieve"})
RECEIVER = frozenset({"write_text", "write_bytes", "touch", "unlink"})
OF_MODULES = frozenset(
    {"copy", "copyfile", "copy2", "move", "rename", "replace", "remove", "unlink", "rmtree"}
)
KEYWORDS = frozenset(
    {
        *(
            "path",
            "path_or_buf",
            "path_or_buffer",
            "fname",
            "filename",
            "file",
            "fp",
            "excel_writer",
            "where",
        ),
        *("filepath", "filepath_or_buffer", "dst"),
    }
)
MODE = re.compile(r"(?=.*[wax+])[rwaxbt+]{1,4}")
SQL_WRITES = re.compile(
    r"\b(?:insert\s+(?:or\s+\w+\s+)?into|create\s+(?:or\s+replace\s+)?(?:temp\w*\s+)?table(?:\s+if\s+not\s+exists)?"
    r"|delete\s+from|update|drop\s+table(?:\s+if\s+exists)?|replace\s+into|truncate(?:\s+table)?)\s+([\w.]+)",
    re.IGNORECASE,
)
SQL_READS = re.compile(r"\b(?:from|join)\s+([\w.]+)", re.IGNORECASE)
SQL_CALLS = mutators.SQL_CALLS | {
    "executemany",
    "executescript",
    "read_sql",
    "read_sql_query",
    "read_database",
}
SHELLS = frozenset({"bash", "sh", "script"})
