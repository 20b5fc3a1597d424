"""Beside the flow: what Prometheus is told. State from Redis and from the last manifest, read when it is asked for.

    Redis (runs, permits, queue, workers, meters) ─┐
                                                   ├─▶ Snapshot ─▶ samples of `FAMILIES` ─▶ GET /metrics
    last manifests in S3, a minute old at most ────┘

Nothing comes from the memory of a worker, so that one exporter serves a fleet and counters outlive its workers.
"""
