"""The Explore page: a question that people build, and its answer as chart, table and files."""
