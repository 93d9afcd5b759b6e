"""`zbroker-admin log`: the files of the brokers.

dirs    what lies in which log directory, and moving it to another
"""

from cli.commands.lazy import noun

log = noun("log", __name__, ("dirs",), "Look at log directories, and move replicas between them.")
