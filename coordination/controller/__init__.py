"""The controller: the one broker that decides who leads what, and tells everyone.

Decide, persist, send. Nothing is told to a broker before ZooKeeper has accepted it, and nothing is
believed here before either. So deciding is pure: a *story* (story.py) is a generator that yields
what is to be done and is sent what came of it, and `step` tells one story at a time.

    ZooKeeper's watches     brokers' requests     brokers' answers to commands
            │ hints                 │                     │
            └──────────► inbox (one order, bounded) ◄─────┘
                              │ event
                     ┌────────▼────────┐
                     │ Controller.step │◄──────────────── Answered(nodes, names, outcomes)
                     │ story + context │                                  ▲
                     └────────┬────────┘                                  │
                              │ effects, in order                         │
          ┌───────────┬───────┴───┬──────────────┐                        │
          ▼           ▼           ▼              ▼                        │
        Record       Send       Reply     Read, ListChildren, Persist ────┘
       the trace    channel    request          ZooKeeper
                  to brokers   answered   each multi: [Check /controller_epoch, ...]

How a leader's death is told, between one event and the next:

    BrokersChanged         -> ListChildren /brokers/ids, Read its registrations
    Answered               -> Record broker.left, Persist [Check, Set orders-0/state]   (new leader)
    Answered, accepted     -> the context takes over leader, epoch and version; only now
                              Record partition.leader_elected, Send LeaderAndIsr, UpdateMetadata
    Answered, BadVersion   -> Read orders-0/state, decide again from what is there

Who is who:

    events, requests        what it is told, and what it is asked
    context                 what is known; changed only by what ZooKeeper said or accepted
    partition_states,       the state tables: an illegal transition raises
    replica_states
    leader_election         who may lead: four pure elections
    story, partition_writes the grammar of stories: read, persist, conditional state writes
    partition_changes,      the moves through the tables and what they entail (Kafka's two
    first_leaders,          state machines)
    replica_changes
    batch, commands         what brokers are told, gathered per broker
    failover, broker_changes, topic_changes, deletion, controlled_shutdown, isr_changes,
    log_dirs, refused_metadata, refused_orders, asked_elections, leader_balance, unclean_elections,
    feature_updates, reassignment, reassignment_requests, producer_ids
                            the stories
    unclean_topics          which topics prefer a leader to their data
    reassignment_znode      how old tools ask for reassignments
    step                    event -> story -> effects
    inbox, runner, channel  the edge: waits, talks to ZooKeeper, carries effects out
    lifecycle               stand for election, be controller until moved, stand again

Invariants:
 - Every write is a multi whose first op checks /controller_epoch's version. A controller that was
   replaced while it was paused cannot write: ControllerMoved, and its term is over (KAFKA-6082).
 - A partition's state is written at the version that was last read or written. If that is refused
   it is read again, never overwritten.
 - A command tells only what is in ZooKeeper, with the epoch of the broker's life it is meant for.
 - One story at a time, to its end.
 - Resigning is cancelling the runner: context, channel and waiting requests go with it.

Different from Kafka: an election starts from the state known, not from one more read; each new
partition's znode and state are made in one multi; a deleted topic's znode and the request to delete
it go in one multi; brokers are not told again what has not changed,
but all of it if they refuse a part.

Source: kafka.controller (Kafka 3.9), KIP-380, 455, 497, 516, 570, 841, 903.
"""
