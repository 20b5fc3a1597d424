"""The nouns: frozen records that cross a boundary (message, S3, manifest). Words as in ARCHITECTURE.md.

Plain data with a schema version where it is stored. No I/O, no clock, no rules beyond shape.
"""

from pipeline.models.abilities import ABILITIES_AS_OF, Abilities
from pipeline.models.archives import (
    AudioObject,
    Found,
    Place,
    Record,
    Stretch,
)
from pipeline.models.asked import Asked
from pipeline.models.jobs import (
    SIDECAR_SCHEMA_VERSION,
    Failure,
    Format,
    Handling,
    Intent,
    IntentState,
    Job,
    PaidRequest,
    Recipe,
    StoryLine,
)
from pipeline.models.manifests import (
    PLANNED,
    Block,
    Changes,
    Latest,
    Manifest,
    ManifestPart,
    ManifestRow,
    State,
    Totals,
    UnfinishedRun,
)
from pipeline.models.plans import KnownRows, RememberedRow, Skip, SkipReason, Untouched, remembered_row
from pipeline.models.prices import ListedPrice, Price
from pipeline.models.progress import Phase, Progress, Trouble
from pipeline.models.renderings import RenderingMark
from pipeline.models.run_ends import Ending, RunEnd
from pipeline.models.transcripts import (
    Answer,
    Cost,
    Finding,
    Quality,
    RecipeStamp,
    Segment,
    Sidecar,
    SidecarStamp,
    Timings,
    Transcript,
    Word,
)

__all__ = [
    "ABILITIES_AS_OF",
    "PLANNED",
    "SIDECAR_SCHEMA_VERSION",
    "Abilities",
    "Answer",
    "Asked",
    "AudioObject",
    "Block",
    "Changes",
    "Cost",
    "Ending",
    "Failure",
    "Finding",
    "Format",
    "Found",
    "Handling",
    "Intent",
    "IntentState",
    "Job",
    "KnownRows",
    "Latest",
    "ListedPrice",
    "Manifest",
    "ManifestPart",
    "ManifestRow",
    "PaidRequest",
    "Phase",
    "Place",
    "Price",
    "Progress",
    "Quality",
    "Recipe",
    "RecipeStamp",
    "Record",
    "RememberedRow",
    "RenderingMark",
    "RunEnd",
    "Segment",
    "Sidecar",
    "SidecarStamp",
    "Skip",
    "SkipReason",
    "State",
    "StoryLine",
    "Stretch",
    "Timings",
    "Totals",
    "Transcript",
    "Trouble",
    "UnfinishedRun",
    "Untouched",
    "Word",
    "remembered_row",
]
