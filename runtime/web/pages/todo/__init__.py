"""The to-do centre: what waits for somebody, and one task with its whole case."""
