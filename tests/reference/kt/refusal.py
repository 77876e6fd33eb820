"""The one exception: what was given is not acceptable, and why."""


class Refused(Exception):
    """Bytes, a proof, a request or a signature that must not be accepted; its text says which rule was broken."""


def require(condition, why):
    if not condition:
        raise Refused(why)
