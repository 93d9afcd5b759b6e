"""zbroker-admin beside Kafka's own scripts: the same question to the same cluster, equal facts.

Each row is a command of both. What only prints is asked here, of one prepared cluster; what changes
something has a story of its own in another test, where each tool sees what the other has changed
(`ELSEWHERE`); what Kafka has no script for is named with the reason (`ONLY_OURS`). Together they
are the whole tree of commands: a new one that is in none of them fails.

    rows        what is asked of both, and how facts are read from each text
    elsewhere   the other commands, and where or why
"""
