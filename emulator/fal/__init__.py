"""An emulation of fal's queue API and request history: real HTTP, real queueing, a billing ledger and faults on demand.

Nothing here contacts fal or bills anybody. What fal is known to do is in docs/fal.md; sections are cited in place.
"""
