"""What is not used costs nothing: work is counted, beside little and beside much of it.

Not time, but lines of Python that are begun, by whatever task, and bytes that are allocated (a
copy of a long list is one line). Both are the same in each run, so that a loop over all partitions,
topics, groups or connections in a hot path is found on any machine.
"""
