"""The heart of the matter: the three fields that every busted message carries."""
TRIPLE = [("Cache-Control", "no-cache, no-store, must-revalidate"), ("Pragma", "no-cache"), ("Expires", "0")]


def assert_exactly_the_triple(message):
    """As a request or an answer: each of them once, and saying nothing else."""
    for name, value in TRIPLE:
        assert message.all(name) == [value], f"{name} in {message.head!r}"
