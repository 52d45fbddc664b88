"""The dataset in the formats that others read: one file each, behind one interface."""

from tierbot.outputs.export.format import Format, Written
from tierbot.outputs.export.formats import FORMATS, format_named
from tierbot.outputs.export.writing import write_dataset

__all__ = ["FORMATS", "Format", "Written", "format_named", "write_dataset"]
