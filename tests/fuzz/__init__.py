"""Damaged bytes, by the million: whatever comes in, only the announced errors come out.

    pytest tests/fuzz                                          20,000 cases
    pytest tests/fuzz -m matrix                                200,000
    ZBROKER_FUZZ_CASES=1000000 ZBROKER_FUZZ_SEED=2026 pytest tests/fuzz -m matrix -rP

The last one tells every ten seconds how far it is, and at its end how many cases there were, how
many a second, and by how much memory grew. It takes about six minutes.

What is read is made good first (by `corpus`) and then damaged (by `damage`): most damage is then
deep inside, where a reader has already begun to believe. A failure names the target, the seed and
the bytes; the same seed finds it again.

    targets         each way from bytes to values: frames, requests, responses, batches and what is
                    compressed in them, stored records, files; in process, where most cases run
    test_decoders   ... a share of the cases each; and memory, which must come back
    test_bombs      little that says it's much: a bound for what decompression may come to
    conversations   rows of frames over connections, and whose answer is whose
    test_broker     such rows to a real broker, many at once: each answer is that of its request, a
                    good request on a new connection is served, its memory stays
"""
