"""What /api/v1 answers, as pydantic models."""
