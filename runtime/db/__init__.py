"""The database floor: the engine factory, the platform tables and the DDL of apps."""
