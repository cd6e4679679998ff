"""The one masked relation: the records of a form as an actor may see them, now or at a moment."""
