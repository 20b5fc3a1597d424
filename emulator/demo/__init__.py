"""The demo: the whole pipeline on the embedded stack with real speech, shown step by step and judged at the end."""
