"""Alembic migrations of the platform tables; the versions import nothing from the project."""
