"""A broker's files read without the broker: written by our own log, then damaged."""
