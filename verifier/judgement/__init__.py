"""Enclosure against measurement: the verdict."""
