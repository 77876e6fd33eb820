"""Golden files: everything that a description (describe.py) leads to, for holding another implementation against.

    {"configuration": HEX,                            the struct
     "entries": [{"timestamp", "prefix_root", "leaf" (value of the log leaf), "log_root" (of the tree that ends here),
                  "tree_head": HEX, "additions": [{"label", "version", "value", "opening", "vrf_input", "vrf_proof",
                                                   "vrf_output", "commitment", "prefix_leaf"}, ...]}, ...],
     "answers": [{"name", "kind", "at",
                  "request": HEX (absent for credentials),
                  "answer": HEX, or "refused": why the server refuses,
                  "transcript": {"timestamps": [[entry, ms], ...], "prefix_proofs": [[entry, [version, ...], HEX], ...],
                                 "prefix_roots": [[entry, HEX], ...], "inclusion": [[first, end, HEX], ...]},
                  "decoded": the answer, field by field,
                  "before": what a user who saw `last` entries retains, or null; "after": what one retains now,
                  "known": [[version, vrf_output, commitment or null], ...] for monitoring: all that can be known}, ...]}

Entries in "transcript" are indices; "inclusion" gives the leaves [first, end) under each element.
"""

from . import crypto, describe, implicit, ladder, logtree, prefix, vrf
from .codec import decode, encode
from .messages import Credential, CredentialUpdate
from .refusal import Refused
from .structs import CONTACT, Configuration, PrefixProof, TreeHead
from .view import View


def entries(log):
    out = []
    for i, entry in enumerate(log.entries):
        view = log.at(i + 1)
        out.append({"timestamp": entry.timestamp, "prefix_root": prefix.value_of(entry.prefix).hex(),
                    "leaf": entry.leaf.hex(), "log_root": view.root().hex(),
                    "tree_head": encode(TreeHead, view.tree_head(), CONTACT).hex(), "additions": additions(log, i)})
    return out


def additions(log, i):
    out = []
    for label, versions in log.labels.items():
        for number, version in enumerate(versions):
            if version.position != i:
                continue
            alpha = crypto.vrf_input(label, number)
            key = crypto.search_key(log.vrf_key, label, number)
            out.append({"label": label.hex(), "version": number, "value": version.value.hex(),
                        "opening": version.opening.hex(), "vrf_input": alpha.hex(),
                        "vrf_proof": vrf.prove(log.vrf_key, alpha).hex(), "vrf_output": key.hex(),
                        "commitment": version.commitment.hex(),
                        "prefix_leaf": crypto.prefix_leaf(key, version.commitment).hex()})
    return out


def transcript(t):
    """What a recording transcript holds, with the entries that its fields do not tell."""
    return {"timestamps": [[x, t.times[x]] for x in t.given],
            "prefix_proofs": [[x, versions, encode(PrefixProof, proof, CONTACT).hex()]
                              for (x, versions), proof in zip(t.proved, t.proofs)],
            "prefix_roots": [[x, prefix.value_of(t.entries[x].prefix).hex()] for x in t.without_proof()],
            "inclusion": [[*part, value.hex()] for part, value in t.inclusion()]}


def retained(log, size):
    """What a user retains of the tree of this size."""
    if not size or size > len(log.entries):
        return None
    leaves = [entry.leaf for entry in log.entries]
    view = View(size, {part: logtree.value_of(leaves, *part) for part in logtree.full_subtrees(size)},
                {x: (log.entries[x].timestamp, prefix.value_of(log.entries[x].prefix)) for x in implicit.frontier(size)},
                log.at(size).tree_head().signature)
    return view.to_json()


def known(log, label):
    """Search keys and commitments for all versions that exist, and those their ladders mention."""
    versions = log.labels.get(label, [])
    numbers = sorted({0}.union(*(set(ladder.base(v)) | {v} for v in range(len(versions)))))
    return [[v, crypto.search_key(log.vrf_key, label, v).hex(),
             versions[v].commitment.hex() if v < len(versions) else None] for v in numbers]


def answer(log, text):
    out = {"name": text.get("name", ""), "kind": text["kind"], "at": text.get("at", len(log.entries))}
    view = log.at(out["at"])
    try:
        request, data = describe.answer(view, text)
    except Refused as why:
        return {**out, "refused": str(why)}
    kind = {"credential": Credential, "credential-update": CredentialUpdate}.get(text["kind"])
    if request is not None:
        out["request"] = request.hex()
        kind = describe.response_kind(text["kind"], describe.request(text))
    out["answer"] = data.hex()
    if view.t is not None:
        out["transcript"] = transcript(view.t)
    out["decoded"] = describe.plain(decode(kind, data, CONTACT))
    out["before"], out["after"] = retained(log, view.t.last if view.t else None), retained(log, out["at"])
    if text["kind"] in ("contact-monitor", "owner-monitor", "update", "credential-update"):
        out["known"] = known(log, bytes.fromhex(text["label"]))
    return out


def of(text):
    """The golden file of a description."""
    log = describe.log(text)
    return {"configuration": encode(Configuration, log.config, CONTACT).hex(), "entries": entries(log),
            "answers": [answer(log, request) for request in text.get("requests", [])]}
