"""What a home keeps: state in SQLite, XComs in DuckDB, notebooks as files."""
