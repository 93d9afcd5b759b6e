"""`zbroker-admin records`: what lies in the partitions.

    delete    the oldest records of partitions (cli.client.deleted_records)

Flags and JSON are those of kafka-delete-records.sh.
"""

from cli.commands.lazy import noun

records = noun("records", __name__, ("delete",), "Delete the oldest records of partitions.")
