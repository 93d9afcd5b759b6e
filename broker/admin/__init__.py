"""What administrators change while the brokers run: topics, configs, quotas, levels of logging.

None of it is applied by the broker that is asked. It checks, and writes to ZooKeeper; the
controller and the brokers hear of it there, this one too:

    request ─▶ `api` ─▶ topics, configs, client_quotas ─▶ ZooKeeper ─▶ the controller: new topics
                                                                  └──▶ every broker: applied_configs

    topics            created and deleted, partitions added
    configs           those of topics, brokers and clients, altered and described
    applied_configs   news of a change, read and put to work
    live_configs      the configuration that counts now
    client_quotas     what clients, users and addresses may use
    loggers           the levels of this process's loggers, which are configs as well (of the
                      process alone: they are not in ZooKeeper)

Invariant: a change is written whole, and on the condition that nobody wrote meanwhile, or not at
all.
"""
