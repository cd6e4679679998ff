"""Rules beyond a single save: sweeps for moments that come, pauses, missed schedules, traces."""
