"""The signature of a class that hands arguments on to its base."""

import inspect
from inspect import Parameter
from typing import NotRequired, TypedDict, Unpack

from gan_lightning.core.signatures import inherit_parameters


class Shared(TypedDict):
    size: int
    depth: NotRequired[int]


class Base:
    def __init__(self, name: str, /, *, size: int, depth: int = 2) -> None: ...

    def __init_subclass__(cls) -> None:
        inherit_parameters(cls)


class Leaf(Base):
    def __init__(self, *, path: str, **shared: Unpack[Shared]) -> None:
        super().__init__(path, **shared)


class Named(Base):
    def __init__(self, name: str, /, *, path: str, **shared: Unpack[Shared]) -> None:
        super().__init__(name, **shared)


def test_a_class_takes_its_own_arguments_and_those_that_it_hands_on():
    parameters = inspect.signature(Leaf).parameters
    assert list(parameters) == ["size", "depth", "path"]  # the name is the class's to give
    assert {p.kind for p in parameters.values()} == {Parameter.KEYWORD_ONLY}
    assert (parameters["size"].default, parameters["depth"].default) == (Parameter.empty, 2)
    assert parameters["path"].annotation is str


def test_an_argument_by_position_is_taken_again_by_a_class_that_names_it():
    parameters = inspect.signature(Named).parameters
    assert list(parameters) == ["name", "size", "depth", "path"]
    assert parameters["name"].kind is Parameter.POSITIONAL_ONLY
