"""`%load_ext nbflow`: the magics of a notebook that a person runs by hand."""
