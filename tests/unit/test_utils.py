"""Exceptions that travel, and views of storages."""

import pytest

import rushlight as rl
from rushlight import _utils
from rushlight.storage import TypedStorage


def wrapped(error):
    try:
        raise error
    except type(error):
        return _utils.ExceptionWrapper(where="in a test")


@pytest.mark.parametrize("error", [ValueError("why"), KeyError("why"), RuntimeError("why"), OSError(2, "why")])
def test_exceptions_keep_their_type_and_show_their_traceback(error):
    with pytest.raises(type(error)) as caught:
        wrapped(error).reraise()
    assert type(caught.value) is type(error)
    assert "in a test" in str(caught.value) and "raise error" in str(caught.value) and "\n" in str(caught.value)


def test_exceptions_with_a_message_argument():
    class Odd(Exception):
        message = "default"

        def __init__(self, *, message):
            super().__init__(message)

    with pytest.raises(Odd, match=r"(?s)in a test.*why"):
        wrapped(Odd(message="why")).reraise()


def storage():
    return TypedStorage(wrap_storage=rl.arange(6.0).untyped_storage(), dtype=rl.float32)


def test_views_of_a_storage():
    view = _utils._rebuild_tensor(storage(), 1, (2, 2), (2, 1))
    assert view.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert _utils._rebuild_tensor(storage(), 6, (0,), (1,)).shape == (0,)
    assert _utils._rebuild_tensor(storage(), 0, (10**6, 1), (0, 1)).stride() == (0, 1)
    assert storage().tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0] and len(storage()) == 6
    assert len(TypedStorage()) == 0


@pytest.mark.parametrize("offset,size,stride", [
    (0, (7,), (1,)), (1, (6,), (1,)), (6, (1,), (1,)), (0, (2,), (6,)), (-1, (2,), (1,)), (0, (-1,), (1,)),
    (0, (2,), (-1,)), (0, (2, 3), (1,)), (0, (2**62, 4), (0, 0)), (2**70, (1,), (1,)), (0, (2**70,), (1,)),
    (0, (2,), (2**63,)), (0, (True,), (1,)), (0, (1.0,), (1,)), (0, ("1",), (1,)), (None, (1,), (1,)),
])
def test_what_is_no_view_is_refused(offset, size, stride):
    with pytest.raises(ValueError):
        _utils._rebuild_tensor(storage(), offset, size, stride)


@pytest.mark.parametrize("size,stride", [(5, (1,)), ("ab", "cd"), ({1: 2}, (1,)), (None, None)])
def test_what_is_no_geometry_is_refused(size, stride):
    with pytest.raises(TypeError):
        _utils._rebuild_tensor(storage(), 0, size, stride)
    with pytest.raises(TypeError):
        _utils._rebuild_meta_tensor_no_storage(rl.float32, size, stride, False)
