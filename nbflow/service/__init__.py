"""Where decisions meet the world: the clock, the stores, the executor, and what every face calls."""
