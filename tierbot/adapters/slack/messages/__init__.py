"""Messages that tierbot writes."""
