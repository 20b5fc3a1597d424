"""The live state of runs: who dispatches, which jobs are outstanding, who works on which, what was settled."""
