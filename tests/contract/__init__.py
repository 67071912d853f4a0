"""The recorded request and reply pairs of the reference, run as tests against a live server."""
