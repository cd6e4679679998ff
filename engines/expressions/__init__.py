"""The checked tree in its targets: evaluated, as SQL, in the browser."""

from engines.expressions.environment import Environment, MissingFact, Moment, moment_of, user_values
from engines.expressions.evaluate import evaluate
from engines.expressions.function_kind import FunctionKind
from engines.expressions.needs import missing_records
from engines.expressions.not_pushable import NotPushable
from engines.expressions.readable import Readable
from engines.expressions.render import render, render_line
from engines.expressions.sqlite_functions import register_sqlite_functions
from engines.expressions.standard import standard_functions
from engines.expressions.to_browser import to_browser
from engines.expressions.to_sql import to_sql, where

__all__ = [
    "Environment",
    "FunctionKind",
    "MissingFact",
    "Moment",
    "NotPushable",
    "Readable",
    "evaluate",
    "missing_records",
    "moment_of",
    "register_sqlite_functions",
    "render",
    "render_line",
    "standard_functions",
    "to_browser",
    "to_sql",
    "user_values",
    "where",
]
