"""Makes a report: the figures of the last rounds, and a self-contained HTML page that shows them."""

from tierbot.reports.page.figures import Report
from tierbot.reports.page.make import report_of
from tierbot.reports.page.render import content_security_policy, report_page

__all__ = ["Report", "content_security_policy", "report_of", "report_page"]
