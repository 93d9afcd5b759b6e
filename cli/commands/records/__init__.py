"""`zbroker-admin records`: what lies in the partitions.

    consume   a look at what is there            (cli.client.reading)
    produce   the lines of stdin, written        (cli.client.producing)
    delete    the oldest records of partitions   (cli.client.deleted_records)

Flags and JSON of `delete` are those of kafka-delete-records.sh. For more than a look or a few lines
there are clients: kcat, or Kafka's console tools.
"""

from cli.commands.lazy import noun

records = noun(
    "records", __name__, ("consume", "produce", "delete"), "Read, write and delete records."
)
