"""What tierbot shows of itself: the panel beside the channel, charts, reports, exports."""
