"""One file per step of the platform's own tables."""
