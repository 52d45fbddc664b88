"""Exports the dataset in formats that other tools read: one module for each, with one interface."""

from tierbot.reports.export.format import ExportFormat, Written
from tierbot.reports.export.formats import FORMATS, format_named
from tierbot.reports.export.writing import write_dataset

__all__ = ["FORMATS", "ExportFormat", "Written", "format_named", "write_dataset"]
