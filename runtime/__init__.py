"""The world: composes the engines with database, people, time and network."""
