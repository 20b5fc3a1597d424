"""What `nightscribe watch` shows: a tick is one look at the live state, and everything shown is made of ticks.

tick      what was seen: the shape of a `--json` line
looking   asks Redis, and goes on with what it saw last while Redis is away
lines     a tick as plain lines
screen    a tick as a picture of the terminal's size, of parts made in panels, tables and bars
"""
