"""What the parts of the fuzz share: a word about how far they are."""

from tests.fuzz.progress import say

__all__ = ["say"]
