"""The stand-ins for running without an account: fal's queue API, and the embedded stack around it.

Independent of the product on purpose: nothing here imports `pipeline` or `workers`, and nothing there imports this.
"""
