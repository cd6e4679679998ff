"""Fields on pages: how each is drawn, what may be chosen in it, and what a form posts of it."""
