"""Targets, by the room that their parsers are in."""
