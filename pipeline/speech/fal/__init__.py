"""fal's queue as a Transcriber. The only package that may import httpx; what fal does is in docs/fal.md.

Recipes (`models`) are made without loading the client (`transcriber`).
"""
