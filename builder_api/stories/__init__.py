"""Stories: what an app claims of itself, told in a throw-away installation before it goes live."""

from builder_api.stories.telling import TOO_SLOW, Told, problems_of, tell

__all__ = ["TOO_SLOW", "Told", "problems_of", "tell"]
