"""The JSON API: routes that answer programs, and how records and tasks are written there."""
