"""The report of a run: one HTML file beside its manifest, which asks for nothing else and shows no secret.

    rows of the manifest ─▶ Gathering ─┐
    manifest.json ─────────────────────┼─▶ page ─▶ report.html
                                price ─┘

The rows pass once, in a manifest in the making or in one that is read again, and memory stays the same (I6): the
largest, the first and the worst are kept, the others counted. So is the size of the file bounded.
"""

from pipeline.report.gathering import Gathering
from pipeline.report.page import Report, page
from pipeline.report.writing import is_ours, write

__all__ = ["Gathering", "Report", "is_ours", "page", "write"]
