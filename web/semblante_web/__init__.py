"""Semblante's pages and HTTP API."""
