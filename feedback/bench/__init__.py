"""What scoring, word lists and digests cost: the parts of `minsheng bench` that need no service."""
