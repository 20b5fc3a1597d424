"""The receiver of fal's webhooks: verifies each one and notes which request has ended. Believes nothing else of it.

Not imported by workers or the dispatcher: only `nightscribe webhook` needs the packages of the extra `webhook`.
"""
