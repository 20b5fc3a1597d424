"""Settings to real objects: the one place that names implementations. Nothing is connected before it is used.

A file for each need of a front door, for the clients of S3, Redis, fal and the broker take longer to load than most
commands take to answer: who imports one loads no other.
"""
