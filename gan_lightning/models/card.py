"""The card of a shared model: what the Hub shows of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from gan_lightning.core.foreign_text import markdown
from gan_lightning.core.strict_json import to_strict

PICTURE = "samples.png"


def model_card(
    name: str,
    record: Mapping[str, Any],
    *,
    repository: str | None,
    scores: Sequence[Mapping[str, Any]],
    has_picture: bool,
    license: str | None,
) -> str:
    """Write the card: the Hub's facts as YAML, then how to use the model, its scores and its configuration.

    Args:
        name: name of the model's class.
        record: as it is stored beside the weights.
        repository: "USER/NAME", or None.
        scores: entries with ``key``, ``value``, ``stderr`` and ``protocol``.
        has_picture: whether ``PICTURE`` lies beside the card.
        license: identifier, or None.
    """
    config = record["config"]
    title = repository or name
    translates = "source" in (config.get("data") or {}) or name in ("CycleGAN", "Pix2Pix")
    task = "image-to-image" if translates else "unconditional-image-generation"
    facts: dict[str, Any] = {"library_name": "gan-lightning", "pipeline_tag": task, "tags": ["gan", name.lower()]}
    if license is not None:
        facts["license"] = license
    if scores:
        dataset = {"name": str(_dataset(scores)), "type": str(_dataset(scores))}
        metrics = [{"name": str(s["key"]), "type": str(s["key"]), "value": to_strict(s["value"])} for s in scores]
        results = [{"task": {"type": task}, "dataset": dataset, "metrics": metrics}]
        facts["model-index"] = [{"name": title, "results": results}]
    source = f"hf://{repository}" if repository else "FOLDER"
    blocks = [
        f"---\n{yaml.safe_dump(facts, sort_keys=False, allow_unicode=True)}---",
        f"# {markdown(title)}",
        f"A {name}, trained by gan-lightning {record['version']} on {record['images_seen']:,} real images shown to its "
        "discriminator.",
        *([f"![Samples]({PICTURE})"] if has_picture else []),
        "## Use it",
        "```bash\npip install 'gan-lightning[huggingface]'\n" + f"gan-sample ckpt={source} out=samples.png\n```",
        f"```python\nimport gan_lightning\n\nmodel = gan_lightning.from_pretrained({(repository or 'FOLDER')!r})\n```",
    ]
    if scores:
        rows = []
        for score in scores:
            error = "" if score.get("stderr") is None else f"{score['stderr']:.2g}"
            rows.append(f"| {markdown(str(score['key']))} | {score['value']:.4g} | {error} |")
        protocols = {str(s["key"]): s["protocol"] for s in scores}
        blocks += [
            "## Scores",
            "\n".join(["| score | value | ± s.e. |", "|---|--:|--:|", *rows]),
            "How each was measured:",
            _fenced(yaml.safe_dump(to_strict(protocols), sort_keys=False, allow_unicode=True)),
        ]
    blocks += ["## Configuration", _fenced(yaml.safe_dump(to_strict(config), sort_keys=False, allow_unicode=True))]
    return "\n\n".join(blocks) + "\n"


def _dataset(scores: Sequence[Mapping[str, Any]]) -> Any:
    return next((s["protocol"][key] for s in scores for key in ("dataset", "data") if key in s["protocol"]), "unknown")


def _fenced(text: str) -> str:
    """Return text in a block that nothing in it can end."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}yaml\n{text}{fence}"
