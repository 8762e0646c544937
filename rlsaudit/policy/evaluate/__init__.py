"""What a policy computes over rows, claims and tables that are known: exactly what the server does, or `Unknown`."""

from rlsaudit.policy.evaluate.expression import evaluate
from rlsaudit.policy.evaluate.text import from_text
from rlsaudit.policy.evaluate.values import Endless, EvaluationError, Interval, Json, Result, State, Unknown, Value

__all__ = [
    "Endless",
    "EvaluationError",
    "Interval",
    "Json",
    "Result",
    "State",
    "Unknown",
    "Value",
    "evaluate",
    "from_text",
]
