"""Build objects from plain config nodes, including those of checkpoints, which may be untrusted."""

from __future__ import annotations

import contextlib
import copy
import functools
import sys
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from omegaconf import OmegaConf

from gan_lightning.config.errors import ConfigError
from gan_lightning.config.hints import UNRESOLVED
from gan_lightning.config.limits import check_size
from gan_lightning.config.locate import DEFAULT_ALLOW, locate
from gan_lightning.config.signature import call_problems, is_special, join, special_problems
from gan_lightning.core.schedules import arguments_at

_FAILED: Any = object()
_NODE = "_config_node"


def build(node: Any, *, key: str = "", trust: bool = False, allow: Collection[str] = DEFAULT_ALLOW) -> Any:
    """Build what one node describes; see ``build_all``.

    Args:
        node: plain dicts, lists and scalars, or an OmegaConf node, which is resolved first.
        key: dotted key of ``node``, for messages.
        trust: build whatever is named.
        allow: top-level packages for untrusted targets.

    Raises:
        ConfigError: for refused or unknown targets, or with all that constructors refuse.
    """
    return build_all({key: node}, trust=trust, allow=allow)[key]


def build_all(
    nodes: Mapping[str, Any],
    *,
    trust: bool = False,
    allow: Collection[str] = DEFAULT_ALLOW,
    rehearse: bool = False,
) -> dict[str, Any]:
    """Build what several nodes describe, in their order, children first.

    A dict with ``_target_`` becomes the result of calling it with the other entries as arguments and ``_args_`` by
    position, or a ``functools.partial`` when ``_partial_`` is true; other dicts and lists keep their shape. A node
    that stands in two places is built twice. Factories of optimizers are tried on a small parameter.

    All targets are found before the first is called, those of an untrusted config judged by ``locate``, and its
    arguments compared with their signatures. What constructors refuse is collected over all nodes; a node whose child
    failed is not tried. What is built remembers its node, see ``node_of``.

    Args:
        nodes: dotted key to node: plain dicts, lists and scalars, or an OmegaConf node, which is resolved first.
        trust: build whatever is named.
        allow: top-level packages for untrusted targets.
        rehearse: build on torch's meta device, without memory, and leave the random state as it is.

    Returns:
        What was built, by key. A key is missing where a value is ``UNRESOLVED``, or where a part cannot be rehearsed;
        building for real will tell.

    Raises:
        ConfigError: for configs that are too large, for refused or unknown targets, or with one message for each
            different text of a constructor, naming all the keys it came from.
    """
    plain = {key: OmegaConf.to_container(n, resolve=True) if OmegaConf.is_config(n) else n for key, n in nodes.items()}
    check_size(plain)
    callees: dict[int, Any] = {}
    problems: list[str] = []
    for key, node in plain.items():
        _find_targets(node, key, lambda target: locate(target, trust=trust, allow=allow), callees, problems)
    if not (problems or trust):  # they have not been compared with the signatures yet
        for key, node in plain.items():
            _compare_arguments(node, key, callees, problems)
    if problems:
        raise ConfigError(problems)
    construction = _Construction(callees, rehearse=rehearse)
    with _without_memory() if rehearse else contextlib.nullcontext():
        built = {key: construction.build(node, key) for key, node in plain.items()}
    construction.raise_refusals()
    return {key: part for key, part in built.items() if part is not _FAILED}


def node_of(part: Any) -> dict[str, Any] | None:
    """Return the plain node that a part was built from; None for one that this module did not build.

    Parts without attributes of their own, such as numbers, have no node.
    """
    node: dict[str, Any] | None = getattr(part, "__dict__", {}).get(_NODE)
    return node


def _remember(part: Any, node: dict[str, Any]) -> Any:
    """Return the part, which remembers a copy of its node where it can."""
    with contextlib.suppress(AttributeError, TypeError):  # it has no attributes of its own
        object.__setattr__(part, _NODE, copy.deepcopy(node))  # also a frozen dataclass
    return part


def _find_targets(
    value: Any, key: str, find: Callable[[Any], Any], callees: dict[int, Any], problems: list[str]
) -> None:
    """Note the callee of every node by the node's identity, since two nodes can be written with the same key."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            _find_targets(item, f"{key}[{index}]", find, callees, problems)
    if not isinstance(value, dict):
        return
    if "_target_" in value:
        problems += special_problems(value, key)
        try:
            callees[id(value)] = find(value["_target_"])
        except LookupError as error:
            problems.append(f"{join(key, '_target_')} = {value['_target_']!r}: {error}")
    for name, item in value.items():
        _find_targets(item, join(key, name), find, callees, problems)


def _compare_arguments(value: Any, key: str, callees: Mapping[int, Any], problems: list[str]) -> None:
    """Note the arguments of located nodes that do not fit the signatures of what they name."""
    for name, item in value.items() if isinstance(value, dict) else ():
        _compare_arguments(item, join(key, name), callees, problems)
    for index, item in enumerate(value) if isinstance(value, list) else ():
        _compare_arguments(item, f"{key}[{index}]", callees, problems)
    if isinstance(value, dict) and id(value) in callees:
        problems += call_problems(
            callees[id(value)],
            value["_target_"],
            value.get("_args_", []),
            {name: item for name, item in value.items() if not is_special(name)},
            key=key,
            partial=value.get("_partial_", False),
            sources={},
        )


class _Construction:
    """One walk over nodes whose targets are known, children first, that collects what constructors refuse."""

    def __init__(self, callees: Mapping[int, Any], *, rehearse: bool) -> None:
        self.callees = callees
        self.rehearse = rehearse
        self.refusals: dict[str, list[str]] = {}
        self.first: Exception | None = None

    def build(self, value: Any, key: str) -> Any:
        if isinstance(value, list):
            items = [self.build(item, f"{key}[{index}]") for index, item in enumerate(value)]
            return _FAILED if any(item is _FAILED for item in items) else items
        if value is UNRESOLVED:
            return _FAILED
        if not isinstance(value, dict):
            return value
        built = {name: self.build(item, join(key, name)) for name, item in value.items()}
        if any(item is _FAILED for item in built.values()):
            return _FAILED
        if id(value) not in self.callees:
            return built
        callee, target = self.callees[id(value)], value["_target_"]
        named = {name: item for name, item in built.items() if not is_special(name)}
        is_factory = built.get("_partial_", False)
        try:
            bound = functools.partial(callee, *built.get("_args_", []), **named)
            return _remember(_checked_factory(bound) if is_factory else bound(), value)
        except _refusing() as error:
            if is_factory or not (self.rehearse and _is_of_rehearsal(error)):
                self.refusals.setdefault(str(error) or type(error).__name__, []).append(key or target)
                self.first = self.first or error
            return _FAILED
        except Exception as error:
            error.add_note(f"while building {key or 'the config'} ({target})")
            raise

    def raise_refusals(self) -> None:
        if self.refusals:
            messages = [f"{', '.join(keys)}: {text}" for text, keys in self.refusals.items()]
            raise ConfigError(messages) from self.first


def _refusing() -> tuple[type[Exception], ...]:
    """Return what constructors raise to refuse their arguments; anything else is a bug."""
    refusing = (ValueError, TypeError, OSError, ArithmeticError, MemoryError, RuntimeError)
    lightning = sys.modules.get("lightning.fabric.utilities.exceptions")
    return refusing if lightning is None else (*refusing, lightning.MisconfigurationException)


def _is_of_rehearsal(error: Exception) -> bool:
    """Say whether only a tensor without memory may be what was refused, as where a constructor reads numbers back."""
    return isinstance(error, RuntimeError) or (isinstance(error, TypeError) and "meta device" in str(error))


@contextlib.contextmanager
def _without_memory() -> Iterator[None]:
    import torch

    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]), torch.device("meta"):
        warnings.simplefilter("ignore")  # loading weights into parameters without memory warns
        yield


def _checked_factory(factory: functools.partial[Any]) -> functools.partial[Any]:
    """Return the factory; one of optimizers has made an optimizer first, since only that looks at its arguments."""
    import torch

    if isinstance(factory.func, type) and issubclass(factory.func, torch.optim.Optimizer):
        # on the CPU, also in a rehearsal: fused optimizers refuse the meta device
        parameter = torch.nn.Parameter(torch.zeros(2, 2, device="cpu"))
        factory.func([parameter], *factory.args, **arguments_at(factory.keywords, 0, 1))
    return factory
