"""The function library: one class each, by theme; the docstring is the help text and its examples are tested."""
