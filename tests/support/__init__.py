"""Servers and data that tests of several folders need."""
