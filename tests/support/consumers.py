"""The packages that read our exports. Some are large, so they are installed apart: see tests/consumers.txt."""

from importlib import import_module, metadata
from types import ModuleType

import pytest
from packaging.version import Version


def consumer(package: str, lowest: str, module: str | None = None) -> ModuleType:
    """Import a module of a package, by default the one of its name; skip the test if the package isn't installed.

    Fails if it is installed in a version below `lowest`, or can't be imported.
    """
    try:
        found = metadata.version(package)
    except metadata.PackageNotFoundError:
        pytest.skip(f"needs {package} (pip install --no-deps -r tests/consumers.txt)")
    assert Version(found) >= Version(lowest), f"{package} {found} is installed; this test needs {lowest} or newer"
    return import_module(module or package)
