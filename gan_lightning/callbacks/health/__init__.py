"""Training health: what goes wrong in the training of a GAN, said in words while it happens.

``results.json`` holds the key ``"health"``: a list with one entry for each kind of trouble that was seen, in the
order of its first appearance, empty for a healthy run. An entry is

    {"kind": "mode_collapse", "first_images_seen": 64000, "last_images_seen": 128000,
     "message": "...", "remedy": "...", "config_key": "model.regularizers"}

``kind`` is one of ``KINDS``. ``first_images_seen`` and ``last_images_seen`` say when it was seen for the first and
for the last time; trouble that goes away and comes back extends its entry. ``message`` says what was seen, with
numbers; ``remedy`` what to try, and nothing that the run has already; ``config_key`` is the dotted key of the
configuration that the first remedy is about.

A row of ``metrics.jsonl`` holds, beside the scalars of the step, ``health/<kind>``: 1.0 while that trouble lasts (the
key is absent otherwise), and what the monitor measures: ``images_per_second``, ``peak_memory_mib``, and in the rows
where it has looked at samples ``health/diversity``, ``health/real_train``, ``health/real_heldout``,
``health/overfitting`` and ``health/memorised``.
"""

from gan_lightning.callbacks.health.callback import TrainingHealth
from gan_lightning.callbacks.health.monitor import Monitor
from gan_lightning.callbacks.health.trouble import KINDS, Present, Trouble

__all__ = ["KINDS", "Monitor", "Present", "TrainingHealth", "Trouble"]
