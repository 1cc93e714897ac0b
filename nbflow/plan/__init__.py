"""Decisions: pure functions and one state machine. Time and chance come in as arguments."""
