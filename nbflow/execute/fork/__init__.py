"""The fast path: a *stem* imports once, *hosts* are forked from it, and a host forks a *child* for each try.

The child runs the cells in ipykernel's own shell; what that would send over ZeroMQ goes to the host through
one socket, and papermill, in the host, makes the executed notebook of it.
"""
