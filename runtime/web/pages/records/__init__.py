"""The pages of one record: looking at it, changing it, and what happens when that is refused."""
