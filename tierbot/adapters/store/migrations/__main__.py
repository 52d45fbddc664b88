"""`python -m tierbot.adapters.store.migrations "what changed"` generates the next migration.

Review it, then set schema.HEAD: Alembic detects neither renames nor the conditions of partial indexes.
"""

import sys

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from tierbot.adapters.store.engine import connect
from tierbot.adapters.store.schema import MIGRATIONS, bring_up


def main() -> None:
    """Compare the tables with an in-memory database created by the existing migrations."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    last = ScriptDirectory.from_config(config).get_current_head() or "0000"
    database = connect("sqlite://", create=True)
    if last != "0000":
        bring_up(database)
    with database.write("schema") as connection:
        config.attributes["connection"] = connection
        command.revision(config, " ".join(sys.argv[1:]), autogenerate=True, rev_id=f"{int(last) + 1:04d}")


if __name__ == "__main__":
    main()
