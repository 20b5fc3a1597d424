"""Options of Flower, the web page about tasks and workers: `celery -A workers.app flower --conf=configs/flower.py`.

Flower reads this file by itself: each name below is one of its options. It wins over FLOWER_... variables; words on
the command line win over it. A login comes from FLOWER_BASIC_AUTH=user:password, never from a file.
"""

# Task arguments name the archive's objects, and there is no login unless one is set: this machine only.
address = "127.0.0.1"
port = 5555

# A page that can revoke tasks or stop workers needs more care than a page that shows them.
read_only = True

# About 7 KB each: 70 MB for the last ten thousand episodes. Flower's own default of 100,000 takes 0.7 GB.
max_tasks = 10_000

# What Flower knows is gone with it, and nobody misses it: the manifest is the record of a run.
persistent = False

# Workers in containers come with a new name each time; those that are gone leave the page after an hour.
purge_offline_workers = 3600

# One row per episode. The arguments read `s3://bucket/key with fal-ai/whisper`, so they come right after the name.
tasks_columns = "name,args,state,runtime,retries,worker,received,started,uuid"

# Seconds. Episodes take minutes; the histogram's own default ends at ten seconds.
task_runtime_metric_buckets = [5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0]
