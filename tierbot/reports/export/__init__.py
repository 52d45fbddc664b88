"""Export the dataset in the formats of other tools, one module per format."""

from tierbot.reports.export.format import ExportFormat, Written
from tierbot.reports.export.formats import FORMATS, format_named
from tierbot.reports.export.writing import write_dataset

__all__ = ["FORMATS", "ExportFormat", "Written", "format_named", "write_dataset"]
