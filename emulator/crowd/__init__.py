"""A crowd of episodes for a stack that runs: hundreds of small recordings, and made-up words instead of the model."""
