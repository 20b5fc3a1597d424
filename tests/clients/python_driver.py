"""Has fal's own Python client, as it is, do what is on standard input: a JSON list of acts. Answers with a JSON list.

Takes `sync` or `async`. Where the client finds fal is said by its environment alone. `@N` in an act stands for what the
act of that number brought: a request id or a URL.
"""

import asyncio
import inspect
import json
import os
import sys

import fal_client
import httpx


def handlers(client):
    """What each kind of act does; the asynchronous client has the same names."""

    async def submit(act):
        handle = await result_of(client.submit(act["endpoint"], act["arguments"], **act.get("options", {})))
        return {"value": handle.request_id}

    async def status(act):
        seen = await result_of(client.status(act["endpoint"], act["id"], with_logs=act.get("logs", False)))
        return status_row(seen)

    async def result(act):
        return {"output": await result_of(client.result(act["endpoint"], act["id"]))}

    async def cancel(act):
        await result_of(client.cancel(act["endpoint"], act["id"]))
        return {}

    async def subscribe(act):
        updates, ids = [], []
        output = await result_of(
            client.subscribe(
                act["endpoint"],
                act["arguments"],
                with_logs=True,
                interval=0.02,
                on_enqueue=ids.append,
                on_queue_update=lambda seen: updates.append(status_row(seen)),
                **act.get("options", {}),
            )
        )
        return {"output": output, "value": ids[0], "updates": updates}

    async def upload(act):
        life = fal_client.StorageSettings(expires_in=act["life"]) if "life" in act else None
        data = act["text"].encode() * act.get("times", 1)
        more = {"repository": act["repository"]} if "repository" in act else {}
        return {"value": await result_of(client.upload(data, act["type"], act["name"], lifecycle=life, **more))}

    async def upload_file(act):
        return {"value": await result_of(client.upload_file(act["path"]))}

    async def run(act):
        return {"output": await result_of(client.run(act["endpoint"], act["arguments"]))}

    async def stream(act):
        events = client.stream(act["endpoint"], act["arguments"])
        return {"events": list(events) if inspect.isgenerator(events) else [event async for event in events]}

    return {act.__name__: act for act in (submit, status, result, cancel, subscribe, upload, upload_file, run, stream)}


async def result_of(value):
    return await value if inspect.isawaitable(value) else value


def status_row(seen):
    names = {"Queued": "IN_QUEUE", "InProgress": "IN_PROGRESS", "Completed": "COMPLETED"}
    logs = getattr(seen, "logs", None)
    return {
        "status": names[type(seen).__name__],
        "position": getattr(seen, "position", None),
        "logs": [line["message"] for line in logs] if logs is not None else None,
        "error": getattr(seen, "error", None),
        "error_type": getattr(seen, "error_type", None),
    }


def error_row(error):
    if isinstance(error, fal_client.FalClientHTTPError):
        return {"status": error.status_code, "body": error.response.json(), "detail": error.message}
    return {"status": None, "kind": type(error).__name__, "text": str(error)}


def resolved(value, done):
    if isinstance(value, dict):
        return {name: resolved(item, done) for name, item in value.items()}
    return done[int(value[1:])]["value"] if isinstance(value, str) and value.startswith("@") else value


async def main(kind, acts):
    client = fal_client.SyncClient() if kind == "sync" else fal_client.AsyncClient()
    known, done = handlers(client), []
    for act in acts:
        try:
            done.append(await known[act["do"]](resolved(act, done)))
        except (fal_client.FalClientError, httpx.HTTPError, RuntimeError) as error:
            done.append({"failed": error_row(error)})
    return done


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(main(sys.argv[1], json.load(sys.stdin)))))
    sys.stdout.flush()
    os._exit(0)  # the client cannot be closed, and its connections would be complained about
