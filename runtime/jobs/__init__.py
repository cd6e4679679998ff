"""What happens after a commit: the queue of jobs, what each kind does, timers, and the worker that runs them."""

from runtime.jobs.job_type import Job, JobKind, Queue
from runtime.jobs.queue import OPEN, enqueue, enqueue_new, has_room, perform, run_due

__all__ = ["OPEN", "Job", "JobKind", "Queue", "enqueue", "enqueue_new", "has_room", "perform", "run_due"]
