"""Ask the server as the persona: real statements, in a READ ONLY transaction that is rolled back."""

from rlsaudit.probe.jobs import JOBS, Scheduled, scheduled
from rlsaudit.probe.outcome import Outcome, Probe, Result
from rlsaudit.probe.outside import Condition, reads_outside
from rlsaudit.probe.run import run
from rlsaudit.probe.secrets import Held, held
from rlsaudit.probe.select import plan
from rlsaudit.probe.staged import ask_staged
from rlsaudit.probe.supposed import Answer, Questions, of_strangers, superseding

__all__ = [
    "JOBS",
    "Answer",
    "Condition",
    "Held",
    "Outcome",
    "Probe",
    "Questions",
    "Result",
    "Scheduled",
    "ask_staged",
    "held",
    "of_strangers",
    "plan",
    "reads_outside",
    "run",
    "scheduled",
    "superseding",
]
