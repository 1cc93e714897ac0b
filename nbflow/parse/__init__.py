"""Reading a notebook as a workflow, from its text alone: headers, names, roles, edges. Nothing is run."""
