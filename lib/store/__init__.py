"""PostgreSQL: the embedded server, the engine with its roles, models, repositories and token encryption."""
