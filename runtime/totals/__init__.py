"""Roll-ups of other records: derived in the save, caught up later, and checked at night."""
