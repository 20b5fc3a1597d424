"""All commands of `nightscribe`, by name: where each is, and what the help of the group says of it."""

from __future__ import annotations

from pipeline.cli.on_demand import Listed

COMMANDS = {
    "backfill": Listed(
        "pipeline.cli.backfill:backfill",
        "Transcribe every audio object under s3://BUCKET/PREFIX that has no transcript yet.",
    ),
    "config": Listed(
        "pipeline.cli.config:config",
        "Look at the configuration.",
    ),
    "doctor": Listed(
        "pipeline.cli.doctor:doctor",
        "Look at everything a run rests on: settings, S3 and its rights, Redis, workers, fal.",
    ),
    "explain": Listed(
        "pipeline.cli.explain:explain",
        "Tell the story of one object: what was done with it and when, where it stands, and what comes next.",
    ),
    "limit": Listed(
        "pipeline.cli.limit:limit",
        "Show, or set at once for all workers of the account, how many requests may be in flight at fal.",
    ),
    "listen": Listed(
        "pipeline.cli.listen:listen",
        "Transcribe new objects under s3://BUCKET/PREFIX as soon as S3 tells of them, until stopped.",
    ),
    "manifest": Listed(
        "pipeline.cli.manifest:manifest",
        "Mend the manifest of an archive.",
    ),
    "metrics": Listed(
        "pipeline.cli.metrics:metrics",
        "Serve metrics for Prometheus until stopped (pip install 'nightscribe[metrics]').",
    ),
    "models": Listed(
        "pipeline.cli.models:models",
        "List the speech models of fal that are known here; with an ID, everything about one.",
    ),
    "nightly": Listed(
        "pipeline.cli.nightly:nightly",
        "Do a night's work: transcribe what is new or changed, in one archive or in all of a file, one after the "
        "other.",
    ),
    "notify": Listed(
        "pipeline.cli.notify:notify",
        "Tell how the last finished run over an archive ended, by the command or webhook of the settings.",
    ),
    "plan": Listed(
        "pipeline.cli.plan:plan",
        "Show what a backfill would do: what is new, what is skipped and why, hours, cost, S3 requests and time.",
    ),
    "query": Listed(
        "pipeline.cli.query:query",
        "Ask the newest manifest of an archive a question in SQL (DuckDB's; pip install 'nightscribe[query]').",
    ),
    "render": Listed(
        "pipeline.cli.render:render",
        "Make captions and texts from the transcripts of an archive, without transcribing anything.",
    ),
    "report": Listed(
        "pipeline.cli.report:report",
        "Make the report of a run anew: one HTML file, beside the manifest or wherever you want it.",
    ),
    "retry-failed": Listed(
        "pipeline.cli.backfill:retry_failed",
        "Transcribe again what the last run reported as failed or uncertain, and nothing else.",
    ),
    "show": Listed(
        "pipeline.cli.show:show",
        "Print the transcript of one recording with its times.",
    ),
    "status": Listed(
        "pipeline.cli.status:status",
        "Show what is running now; with an archive also what its last manifest says.",
    ),
    "transcribe": Listed(
        "pipeline.cli.transcribe:transcribe",
        "Transcribe one recording and print the transcript.",
    ),
    "verify": Listed(
        "pipeline.cli.verify:verify",
        "Compare the last manifest with what lies in S3, and name every difference.",
    ),
    "watch": Listed(
        "pipeline.cli.watch:watch",
        "Watch the runs that are open now: progress, pace, cost, workers, failures, and when it will be done.",
    ),
    "webhook": Listed(
        "pipeline.cli.webhook:webhook",
        "Receive fal's webhooks until stopped (pip install 'nightscribe[webhook]').",
    ),
}
