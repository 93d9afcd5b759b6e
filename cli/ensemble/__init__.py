"""The ensemble on one machine: `zbroker-admin up`, `down` and `status`.

`up` starts a real ZooKeeper and N brokers, each an ordinary process, and watches them until it is
told to stop:

    up (one trio loop)
     |- ZooKeeper   a JVM        DIR/zookeeper/{zoo.cfg,data/}         DIR/logs/zookeeper.log
     |- broker 1    zbroker ...  DIR/broker-1/{server.properties,data/} DIR/logs/broker-1.log
     |- broker 2    ...
     '- holds DIR/up.lock, and writes DIR/up.json: what runs, for `status`

They start in parallel: a broker waits for ZooKeeper by itself, as Kafka's do. `up` is ready when
every broker answers Metadata with all N brokers and a controller, that is, when a client can work.

Who ends whom:

* Ctrl-C reaches every process of the terminal's foreground group. So each child gets a session of
  its own, and only `up` hears Ctrl-C. It stops the brokers in parallel by SIGTERM (controlled
  shutdown, for which they need ZooKeeper), and ZooKeeper when the last of them is gone. A second
  Ctrl-C kills what is left.
* If `up` is killed itself, the kernel kills its children: see `child`.
* A child that ends by itself is reported, with its last words, and not started again: people
  kill brokers here on purpose, to see what the others do.
* `--detach` is the same supervisor in a session of its own; `down` sends it the SIGTERM that
  counts as Ctrl-C.

Invariants: at most one `up` in a directory (a lock that the kernel drops with its holder, so
neither a crash nor a reused pid can lie); configuration files are written once and then belong to
the user; stopping always ends, every wait in it has a deadline.

    layout      the directory's paths, and the configuration files generated into it
    claim       the lock on the directory, and who holds it
    child       one child process: started, waited for, ended with its parent
    programs    the commands that are started, and told about
    probe       is ZooKeeper, is the whole cluster ready?
    supervisor  the loop: start, wait until ready, report, stop
    log_files   the children's log files, kept short
    options     which ensemble: the option that all three commands share
"""
