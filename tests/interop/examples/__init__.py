"""The examples, each by the command its reader types, with what comes out.

They run on the cluster under test: zbroker, or with `--cluster kafka` a real Kafka 3.9.1.
"""
