"""SQL over results folders: an index of their records in Parquet files, and DuckDB's views of it."""
