"""What `readers.py` measures."""
