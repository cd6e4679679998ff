"""The form engine: what a record is, and whether values make one."""
