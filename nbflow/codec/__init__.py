"""XCom values: Python values to something that can be stored and back, exactly or not at all.

Importing this package is cheap: pandas, polars, numpy and pyarrow are imported only when a value comes
from one of them.
"""

from nbflow.codec.digest import fingerprint
from nbflow.codec.sharing import sharing
from nbflow.codec.value import decode, encode

__all__ = ["decode", "encode", "fingerprint", "sharing"]
