"""The board: headline, run grid and graph of a DAG, live, in a notebook or any page that Jupyter serves."""
