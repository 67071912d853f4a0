"""Measure Kitsu-compatible servers over HTTP, and the kernel on its own."""
