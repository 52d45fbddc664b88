"""Feeds from the open web as untrusted input: checked addresses, limited size, time, computing and memory, plain errors.

Empty, because a child process that parses feeds should start without an HTTP client.
"""
