"""Turn uploaded pictures and movies into what a browser shows; no knowledge of events, stores or HTTP."""


class BrokenMedia(Exception):
    """An uploaded file cannot be used. `reason` is one line for its owner and holds no path of ours."""

    def __init__(self, reason: str) -> None:
        """Say what is wrong with the file."""
        super().__init__(reason)
        self.reason = reason


class BrokenPicture(BrokenMedia):
    """The picture is not one, is damaged, or is too large."""


class BrokenMovie(BrokenMedia):
    """The movie is not one, is damaged, or cannot be converted within the limits."""


__all__ = ["BrokenMedia", "BrokenMovie", "BrokenPicture"]
