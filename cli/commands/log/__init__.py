"""`zbroker-admin log`: the files of the brokers.

dirs      what lies in which log directory, and moving it to another: brokers are asked
dump      what stands in files, as kafka-dump-log.sh shows it          } read on the disks of
verify    whether a partition's files, or a log directory, are sound   } this machine (offline)
"""

from cli.commands.lazy import noun

log = noun(
    "log",
    __name__,
    ("dirs", "dump", "verify"),
    "Look at log directories and the files in them, and move replicas.",
)
