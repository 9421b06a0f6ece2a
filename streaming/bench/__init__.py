"""What the relay costs: the part of `minsheng bench` that moves real media."""
