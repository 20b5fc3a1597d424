"""Limits that all workers of an account share: permits (requests in flight) and rate (submissions a second)."""
