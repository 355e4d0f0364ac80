"""Answers requests, one line of JSON for each: the Python side of judge-process.ts."""

import json
import os
import sys


def serve(commands):
    """Calls `commands[request["op"]](request)` for each line, until there are no more."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # Whatever a library prints must not look like an answer.
    os.dup2(2, 1)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = {"result": commands[request["op"]](request)}
        except BaseException as error:  # Panics of Rust are no Exception.
            answer = {"error": {"type": type(error).__name__, "message": str(error), "trace": ""}}
        print(json.dumps(answer), file=answers, flush=True)
