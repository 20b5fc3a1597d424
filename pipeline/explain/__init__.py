"""The story of one object, from what is stored: its lines in time order, where it stands, and what comes next. Pure.

Findings (S3, Redis) ─▶ told ─▶ Line, in time order
                     └▶ outlook ─▶ where it stands now, and what to do
"""

from pipeline.explain.findings import Findings, Live, Unplaced
from pipeline.explain.outlook import outlook
from pipeline.explain.standing import Outlook, Stands
from pipeline.explain.story import Line, told

__all__ = ["Findings", "Line", "Live", "Outlook", "Stands", "Unplaced", "outlook", "told"]
