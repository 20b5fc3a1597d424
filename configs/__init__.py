"""Configuration files as package data: `default.toml` holds every setting once; profiles hold what differs."""
