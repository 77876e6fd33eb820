"""Binary ladders (draft, "Binary Ladder" and its appendix): which versions are looked up, and when one stops."""

VERSION_MAX = 2**32 - 1


def base(n):
    """The look-ups that determine that n is the greatest version; n = -1: that there is none."""
    out, power = [], 1
    while True:
        out.append(power - 1)
        if power - 1 > n:
            break
        power *= 2
    if n >= 0:
        low, high = out[-2], out[-1]
        while low + 1 < high:
            middle = (low + high) // 2
            out.append(middle)
            if middle <= n:
                low = middle
            else:
                high = middle
    return [v for v in out if v <= VERSION_MAX]


def decides(version, included, target):
    """Whether a search ladder for the target ends with this outcome."""
    return included and version > target or not included and version <= target


def search(target, n, omitted=()):
    """A search ladder where n (-1: none) is the greatest version there is."""
    out = []
    for v in base(n):
        if v not in omitted:
            out.append(v)
        if decides(v, v <= n, target):
            break
    return out


def monitoring(target):
    return [v for v in base(target) if v <= target]


def new_versions(previous, new):
    """Versions that update proofs must cover apart from the ladder: those created that base(new) does not have."""
    return [v for v in range(previous + 1, new + 1) if v not in base(new)]


def update_steps(previous, new):
    """Versions whose VRF proofs an UpdateResponse carries; previous = -1: there was none."""
    steps = set(base(new))
    if new - previous > 1:
        steps |= set(range(previous + 1, new + 1))
    steps -= set(base(previous))
    return sorted(steps)
