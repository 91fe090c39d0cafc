"""Every parser of foreign bytes, fed with valid input in which one thing was changed (docs/fuzzing.md)."""
