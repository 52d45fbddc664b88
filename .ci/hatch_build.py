"""What the package's page on an index needs: the project's addresses, and a README whose pictures and links are absolute.

The address of the repository is not written anywhere: whoever publishes gives it, as REPOSITORY_URL=https://HOST/OWNER/NAME.
Without it, as in `pip install .`, the README stays as it is and no address is claimed. A wheel built from an sdist takes both
from the sdist.
"""

import os
import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_LINK = re.compile(r"(?P<before>(?P<picture>!?)\[[^\]]*\]\()(?P<path>(?!https?:|#)[^)]+)\)")


class Addresses(MetadataHookInterface):
    """Adds the fields that pyproject.toml calls dynamic."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set the README's text, and the URLs if the repository's address is given."""
        repository = os.environ.get("REPOSITORY_URL", "").rstrip("/")
        text = Path(self.root, "README.md").read_text(encoding="utf-8")
        if repository:
            metadata["urls"] = addresses(repository, metadata["version"])
            text = absolute(text, repository, metadata["version"])
        metadata["readme"] = {"content-type": "text/markdown", "text": text}


def addresses(repository: str, version: str) -> dict[str, str]:
    """Return the project's URLs by label, those of the tag where there is one."""
    return {
        "Source": repository,
        "Documentation": f"{repository}/blob/v{version}/docs/README.md",
        "Changelog": f"{repository}/blob/v{version}/CHANGELOG.md",
        "Issues": f"{repository}/issues",
        "Security": f"{repository}/blob/v{version}/docs/SECURITY.md",
    }


def absolute(text: str, repository: str, version: str) -> str:
    """Return Markdown whose relative pictures and links lead to the version's tag in the repository."""

    def lead(found: re.Match[str]) -> str:
        kind = "raw" if found["picture"] else "blob"
        return f"{found['before']}{repository}/{kind}/v{version}/{found['path']})"

    return _LINK.sub(lead, text)
