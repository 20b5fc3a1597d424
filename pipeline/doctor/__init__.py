"""Doctor: looks at everything a run rests on and says what it saw and what to do; beside the flow.

What is judged is apart from what reaches out: `clock`, `local` and `redis_facts` are pure; `store` and `service` ask
through interfaces; `opening` opens URLs as somebody without credentials does.
"""

from pipeline.doctor.checkup import Check, Finding, Once, Seen, Verdict, checkup, failed, not_checked, ok, warning

__all__ = [
    "Check",
    "Finding",
    "Once",
    "Seen",
    "Verdict",
    "checkup",
    "failed",
    "not_checked",
    "ok",
    "warning",
]
