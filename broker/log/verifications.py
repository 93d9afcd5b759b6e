"""Which producers' transactions are being asked after, before they may begin in this log (KIP-890).

A batch that comes late, after its transaction was aborted, would begin a transaction of which no
coordinator knows, and which nobody would ever end. So the first batch of a transaction in a log is
held until the coordinator has said that the partition belongs to it: `replica.verification`.
Meanwhile anything may happen, so the answer counts only with the guard that was given when it was
asked for:

    begin ──► guard ──► the coordinator: yes ──► append with the guard ──► its transaction is open
                │
                └── a marker, or another batch, was appended meanwhile: the guard counts no more

A new one is another object: the coordinator's answer about the transaction before can't let in a
batch that belongs to none (KAFKA-14904).

Of several batches held, the first must be the first to enter: a later one would make it out of
order for good if it is to be sent again. So what is behind the lowest sequence held is out of
order (KAFKA-14884). A batch that the coordinator refused for good, because it came after the end of
its transaction, isn't held any more; in Kafka its sequence stays, and the first batch of the next
transaction in the same epoch is behind it.

Source: Kafka's `VerificationStateEntry`, `VerificationGuard`.
"""

import attrs


@attrs.frozen(eq=False)
class VerificationGuard:
    """Stands for one verification, by being itself."""


@attrs.define
class _Verification:
    began_ms: int
    producer_epoch: int
    sequences: set[int]  # of the batches held
    guard: VerificationGuard = attrs.field(factory=VerificationGuard)


@attrs.define
class Verifications:
    """Those of one log, by producer id."""

    _of: dict[int, _Verification] = attrs.field(factory=dict, init=False)

    def begin(
        self, producer_id: int, producer_epoch: int, sequence: int, now_ms: int
    ) -> VerificationGuard:
        """Begin one for a batch, or go on with that of another batch of the producer."""
        known = self._of.get(producer_id)
        if known is None:
            known = self._of[producer_id] = _Verification(now_ms, producer_epoch, {sequence})
        elif producer_epoch > known.producer_epoch:
            known.producer_epoch, known.sequences = producer_epoch, {sequence}
        elif producer_epoch == known.producer_epoch:
            known.sequences.add(sequence)
        return known.guard

    def allows(self, producer_id: int, guard: VerificationGuard | None) -> bool:
        """Whether nothing has ended the verification that `guard` stands for."""
        known = self._of.get(producer_id)
        return known is not None and known.guard is guard

    def is_behind(self, producer_id: int, sequence: int) -> bool:
        """Whether a batch with a lower sequence has to come first."""
        known = self._of.get(producer_id)
        return known is not None and sequence > min(known.sequences)

    def refuse(
        self, producer_id: int, producer_epoch: int, sequence: int, guard: VerificationGuard
    ) -> None:
        """The batch for which `guard` was given won't come again: its transaction is over."""
        known = self._of.get(producer_id)
        if known is None or known.guard is not guard or known.producer_epoch != producer_epoch:
            return
        known.sequences.discard(sequence)
        if not known.sequences:
            del self._of[producer_id]

    def end(self, producer_id: int) -> None:
        """A batch of a transaction was appended, or its marker."""
        self._of.pop(producer_id, None)

    def remove_expired(self, now_ms: int, expiration_ms: int) -> None:
        """Forget those that nobody has come back for."""
        for producer_id, verification in list(self._of.items()):
            if now_ms - verification.began_ms >= expiration_ms:
                del self._of[producer_id]
