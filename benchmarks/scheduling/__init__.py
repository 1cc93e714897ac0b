"""What `scheduler.py` measures, one figure a module."""
