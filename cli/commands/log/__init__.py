"""`zbroker-admin log`: the files of the brokers.

    dirs    what lies in which log directory, and moving it to another

Nothing is read on the disks of this machine: brokers are asked.
"""

from cli.commands.lazy import noun

log = noun("log", __name__, ("dirs",), "Look at log directories, and move replicas between them.")
