"""Models that are shared: a folder or a repository on the Hugging Face Hub, and back.

huggingface_hub's own mixin keeps a constructor's arguments by name and calls it again; ours describe themselves
already, with the parts that they are made of, and what rebuilds them limits what a foreign file may name and how much
it may allocate. So the files are those that the mixin writes, and the way back is our own.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from torch import nn

from gan_lightning.core.atomic import write_atomic
from gan_lightning.core.checkpoint import FORMAT, RECORD, CheckpointError, read_checkpoint, stored_model
from gan_lightning.core.hub import fetch, put
from gan_lightning.core.shared_model import WEIGHTS, write_shared
from gan_lightning.core.version import __version__
from gan_lightning.models.card import PICTURE, model_card
from gan_lightning.models.misfits import weights_of
from gan_lightning.models.rebuilding import build_limited

SHARED_PARTS = ("model", "data", "evaluator", "budget")
"""Of a run's configuration; the rest is about the machine that it ran on."""


class SharedModel(nn.Module):
    """What is shared of a model: its description, all its weights and counters, and a card."""

    run_config: dict[str, Any] | None
    images_seen: int
    description: Callable[[], tuple[dict[str, Any], list[str]]]  # which ``PlayersModule`` defines

    def save_pretrained(
        self,
        folder: str | os.PathLike[str],
        *,
        repository: str | None = None,
        scores: Sequence[Mapping[str, Any]] = (),
        picture: str | os.PathLike[str] | None = None,
        license: str | None = None,
    ) -> None:
        """Write ``config.json``, ``model.safetensors`` and the model card ``README.md`` into a folder.

        The folder is what ``gan-sample ckpt=FOLDER`` and ``from_pretrained`` read.

        Args:
            folder: made where it is missing; files of these names are replaced.
            repository: "USER/NAME" on the Hub, for the commands in the card.
            scores: entries with ``key``, ``value``, ``stderr`` and ``protocol``, as ``results.json`` has them.
            picture: a PNG file of samples for the card.
            license: an identifier of the Hub, such as "mit"; None: the card names none.

        Raises:
            ValueError: if a part of the model was built by hand, so that nothing could rebuild it.
        """
        folder = Path(folder)
        node, by_hand = self.description()
        config: dict[str, Any] = {"model": node}
        if self.run_config is not None:
            config, by_hand = {name: self.run_config[name] for name in SHARED_PARTS if name in self.run_config}, []
        if by_hand:
            raise ValueError(
                f"{', '.join(by_hand)}: built by hand, so no file could describe how to rebuild this model"
            )
        cls = type(self)
        record = {
            "format": FORMAT,
            "version": __version__,
            "model": f"{cls.__module__}.{cls.__qualname__}",
            "config": without_places(config),
            "data": None,
            "images_seen": self.images_seen,
        }
        write_shared(folder, record, self.state_dict(), key=RECORD)
        if picture is not None:
            write_atomic(folder / PICTURE, Path(picture).read_bytes())
        card = model_card(
            cls.__name__,
            record,
            repository=repository,
            scores=scores,
            has_picture=picture is not None,
            license=license,
        )
        write_atomic(folder / "README.md", card)

    def push_to_hub(
        self,
        repository: str,
        *,
        private: bool = False,
        commit_message: str = "Upload a model of gan-lightning",
        token: str | None = None,
        scores: Sequence[Mapping[str, Any]] = (),
        picture: str | os.PathLike[str] | None = None,
        license: str | None = None,
    ) -> str:
        """Upload what ``save_pretrained`` writes to the Hub; return the address. ``gan-push`` does so with a run.

        Args:
            repository: "USER/NAME", made where it is missing.
            private: make it a private one.
            commit_message: commit message of the upload.
            token: None: the one that ``hf auth login`` stored, or ``HF_TOKEN``.
            scores: see ``save_pretrained``.
            picture: likewise.
            license: likewise.

        Raises:
            InputError: if the Hub refuses, or cannot be reached.
            ValueError: see ``save_pretrained``.
        """
        with tempfile.TemporaryDirectory() as folder:
            self.save_pretrained(folder, repository=repository, scores=scores, picture=picture, license=license)
            return put(Path(folder), repository, private=private, message=commit_message, token=token)

    @classmethod
    def from_pretrained(
        cls,
        source: str | os.PathLike[str],
        *,
        token: str | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
        local_files_only: bool = False,
        trust: bool = False,
    ) -> Self:
        """Build a shared model again, with its weights and counters, on the CPU, in evaluation mode.

        Args:
            source: a folder, or "USER/NAME" on the Hub, perhaps with "@REVISION".
            token: for private repositories; None: the one that ``hf auth login`` stored, or ``HF_TOKEN``.
            cache_dir: None: huggingface_hub's.
            local_files_only: ask no server.
            trust: build whatever it names, also outside the packages known to be harmless.

        Raises:
            InputError: if it is not an address, cannot be reached, or lacks the model.
            CheckpointError: if its files cannot be used, or are of another class.
            ConfigError: if it names something that is refused.
        """
        if os.path.isdir(source):
            path = Path(source) / WEIGHTS
        else:
            path = fetch(os.fspath(source), token=token, cache_dir=cache_dir, local_files_only=local_files_only)
        checkpoint = read_checkpoint(path)
        node, state = stored_model(checkpoint), checkpoint["state_dict"]
        model = build_limited({"model": node}, state, path, trust=trust)["model"]
        if not isinstance(model, cls):
            raise CheckpointError(f"{source} holds a {type(model).__name__}, not a {cls.__name__}")
        with weights_of(path):
            model.load_state_dict(state)
        model.run_config = checkpoint[RECORD]["config"]
        return model.eval()


def without_places(value: Any) -> Any:
    """Return plain data in which folders of this machine are their last names alone."""
    if isinstance(value, dict):
        return {key: without_places(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_places(item) for item in value]
    if isinstance(value, str) and (os.path.isabs(value) or value.startswith("~")):
        return Path(value).name
    return value
