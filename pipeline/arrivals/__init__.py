"""Arrivals: what an S3 store tells of new and removed objects, taken from a queue. Hints, which a plan then checks."""
