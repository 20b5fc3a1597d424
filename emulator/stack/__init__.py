"""The embedded stack: real Redis, real S3 and the fal emulator, for tests, the demo and a laptop. Never production."""

from emulator.stack.processes import StackError
from emulator.stack.s3 import BUCKET
from emulator.stack.stack import Stack

__all__ = ["BUCKET", "Stack", "StackError"]
