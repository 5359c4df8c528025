"""
Every test of this folder starts processes: `-m "not system"` leaves them out.

They come first, because they take longest: so all workers are busy to the end.
"""

from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items):
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.system)
    items.sort(key=lambda item: HERE not in item.path.parents)
