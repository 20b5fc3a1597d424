"""Has our own FalTranscriber, with its default settings, do what is on standard input; see python_driver.py."""

import json
import sys
from os import environ

from pipeline.models import Asked
from pipeline.settings import load_settings
from pipeline.speech.base import Recording
from pipeline.wiring.speech import open_transcriber


def main(acts):
    transcriber = open_transcriber(load_settings(environ).settings, environ)
    requests, values = {}, []
    for act in acts:
        value = act["arguments"]["audio_url"] if act["do"] == "submit" else act.get("id", "")
        known = values[int(value[1:])] if value.startswith("@") else value
        values.append(None)
        if act["do"] == "upload":
            values[-1] = transcriber.upload(recording(act["name"], act["text"].encode()), lifetime_s=act["life"])
        elif act["do"] == "submit":
            recipe = transcriber.recipe(act["endpoint"], Asked(), {})
            request = transcriber.submit(recipe, known, webhook_url=act["options"]["webhook_url"])
            requests[request.request_id] = (request, recipe)
            values[-1] = request.request_id
        elif act["do"] == "status":
            transcriber.is_over(requests[known][0])
        elif act["do"] == "cancel":
            transcriber.cancel(requests[known][0])
        else:
            transcriber.fetch(*requests[known])
    transcriber.close()
    return [{"value": value} for value in values]


def recording(name, data):
    return Recording("s3://bucket/key", name, len(data), lambda start, size: data[start : start + size])


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(json.load(sys.stdin))))
