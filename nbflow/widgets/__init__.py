"""Pictures of flows and runs: SVG, HTML, terminal. They draw values; they read no store."""
