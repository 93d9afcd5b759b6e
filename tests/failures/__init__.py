"""The failures that brokers of this design have met, each a test of its own.

`test_row_NN_<what happens>.py` is row NN of a list of what is known to fail: a class of
failure, where it was seen (a KAFKA issue, a KIP, a post-mortem), and how to provoke it. The
module's docstring tells all three.

Where time and order decide, the test is deterministic: the controller's stories on the in-memory
store (tests/golden), or the whole ensemble in one process on the mock clock (tests/simulation).
Where sessions and processes decide, it runs a real ZooKeeper and real brokers (marked `server`; the
long ones `matrix` as well).
"""
