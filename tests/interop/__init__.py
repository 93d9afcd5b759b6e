"""Every Kafka client we know, unmodified, against a running cluster.

    pytest tests/interop                     against zbroker
    pytest tests/interop --cluster kafka     against a real Kafka 3.9.1: the tests on trial

What a test here asserts must hold on both. The clients come by the ordinary
package clients (pip, npm, apt), Kafka's own tools as Maven artifacts; a tool
that is missing skips its tests, or fails them in CI.
"""
