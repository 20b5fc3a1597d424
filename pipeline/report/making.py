"""How it was made: recipe, price, and where everything lies."""

from __future__ import annotations

import json

from pipeline import keys
from pipeline.drawing import Markup, element, joined
from pipeline.models import Manifest
from pipeline.report import wording
from pipeline.report.layout import section

_ARGUMENTS_CHARACTERS = 2000


def made_how(manifest: Manifest, price: str | None) -> Markup:
    """The last section, and the foot of the page."""
    recipe, this = manifest.recipe, manifest.this_run
    arguments = json.dumps(recipe.arguments, ensure_ascii=False, sort_keys=True)
    folder = keys.run_folder(manifest.output, manifest.archive, manifest.run_id)
    facts = {
        "model": element("code", wording.shown(recipe.endpoint_id)),
        "arguments": element("code", wording.shortened(arguments, _ARGUMENTS_CHARACTERS)),
        "recipe": element("code", recipe.hash),
        "price": wording.shown(price) if price else None,
        "came to": _hourly(manifest),
        "run": element("code", wording.shown(manifest.run_id)),
        "started": f"{wording.moment(manifest.started_at)} UTC",
        "finished": f"{wording.moment(manifest.finished_at)} UTC",
        "manifest": wording.address(manifest.output.bucket, f"{folder}manifest.json"),
    }
    listed = [joined((element("dt", name), element("dd", said))) for name, said in facts.items() if said]
    attempted = wording.counted(this.objects, "object", "objects")
    return joined(
        (
            section("How it was made", None, element("dl", *listed, class_="facts")),
            element(
                "footer",
                f"Written by {manifest.software}. This run settled {attempted}. A row stands in the manifest for every "
                "object; nightscribe query asks it anything.",
            ),
        )
    )


def _hourly(manifest: Manifest) -> str | None:
    this = manifest.this_run
    if not this.audio_s or not this.cost_usd or this.cost_unknown:
        return None
    return f"{this.cost_usd / (this.audio_s / 3600):.4g} USD per hour of audio in this run"
