"""Verdicts: answers of any server, judged by the client here.

In:

    {"configuration": HEX, "now": MS, "state": a state as printed by an earlier run, or absent,
     "steps": [{"kind": as in describe.py, "request": HEX, "answer": HEX, "now": MS if another}, ...]}

The requests must be those that a user in this state would make: `last`, monitored entries and an owner's position are compared.
A credential is {"kind": "credential", "answer": HEX}; {"kind": "credential-update", "pending": i, "answer": HEX} and {"kind":
"confirm", "pending": i} speak of the i-th provisional one in the state's "pending", which they take away if they succeed.

Out:

    {"steps": [{"verdict": "accepted", "result": ...} or {"verdict": "refused", "why": ...}
               or {"verdict": "unfit", "why": ...}: no user in this state would have asked that], "state": ...}
"""

from . import credential, crypto, describe, extensions
from .client import State, Watched, known_from_json, known_to_json
from .codec import decode
from .ownership import Owned, Owner
from .refusal import Refused
from .structs import CONTACT, Configuration
from .view import View


class Unfit(Exception):
    """The request does not belong to the state."""


def state_to_json(state, pending):
    return {"view": state.view.to_json(),
            "contact": {label.hex(): {str(p): w.to_json() for p, w in sorted(entries.items())}
                        for label, entries in sorted(state.contact.items())},
            "recent": {str(d): view.to_json() for d, view in sorted(state.recent.items())},
            "owned": {label.hex(): owned.to_json() for label, owned in sorted(state.owned.items())},
            "pending": [pending_to_json(p) for p in pending]}


def state_from_json(text):
    state = State()
    state.view = View.from_json(text["view"])
    state.contact = {bytes.fromhex(label): {int(p): Watched.from_json(w) for p, w in entries.items()}
                     for label, entries in text["contact"].items()}
    state.recent = {int(d): View.from_json(view) for d, view in text["recent"].items()}
    state.owned = {bytes.fromhex(label): Owned.from_json(owned) for label, owned in text["owned"].items()}
    return state, [pending_from_json(p) for p in text["pending"]]


def pending_to_json(p):
    return {"version": p.version, "terminal": p.terminal, "prefix_root": p.prefix_root.hex(), "view": p.view.to_json(),
            "known": known_to_json(p.known)}


def pending_from_json(text):
    return credential.Pending(text["version"], text["terminal"], bytes.fromhex(text["prefix_root"]),
                              View.from_json(text["view"]), known_from_json(text["known"]))


def expected(client, kind, request):
    """The request that the client itself would make, where its state leaves no choice."""
    if kind == "as-of":
        return extensions.as_of_request(client, request.label, request.time)
    if kind in ("search", "absence"):
        return client.search_request(request.label, request.version)
    if kind == "contact-monitor":
        return client.contact_request(request.label)
    if kind == "owner-init":
        return client.init_request(request.label, request.start)
    if kind == "distinguished":
        own = client.distinguished_request()
        own.stop = request.stop
        return own
    if request.label not in client.state.owned:
        raise Unfit("the label is not owned")
    return client.monitor_request(request.label) if kind == "owner-monitor" \
        else client.update_request(request.label, request.values)


VERBS = {"search": Owner.search, "contact-monitor": Owner.contact_monitor, "owner-init": Owner.init,
         "owner-monitor": Owner.monitor, "update": Owner.update, "distinguished": Owner.distinguished,
         "absence": extensions.verify_absence, "as-of": extensions.verify_as_of}


def step(client, pending, text, now):
    """The result of one step; raises Refused, or Unfit."""
    kind, data = text["kind"], bytes.fromhex(text.get("answer", ""))
    if kind == "credential":
        result = credential.verify(client, data)
        if result["pending"] is not None:
            pending.append(result["pending"])
        return {**result, "pending": len(pending) - 1 if result["pending"] is not None else None}
    if kind == "credential-update":
        goal = credential.verify_update(client, pending[text["pending"]], data)
        del pending[text["pending"]]
        return {"distinguished": goal}
    if kind == "confirm":
        done = credential.confirmed(client, pending[text["pending"]])
        if done:
            del pending[text["pending"]]
        return {"confirmed": done}
    request = decode(describe.REQUESTS[kind], bytes.fromhex(text["request"]), CONTACT)
    if request != expected(client, kind, request):
        raise Unfit("the request is not one that this state would make")
    return VERBS[kind](client, request, data, now)


def of(text):
    """Verdicts on a case."""
    config = decode(Configuration, bytes.fromhex(text["configuration"]), CONTACT)
    crypto.check_configuration(config)
    state, pending = state_from_json(text["state"]) if text.get("state") else (State(), [])
    client, out = Owner(config, state), []
    for s in text["steps"]:
        try:
            result = step(client, pending, s, s.get("now", text.get("now")))
            out.append({"verdict": "accepted", "result": describe.plain(result)})
        except Refused as why:
            out.append({"verdict": "refused", "why": str(why)})
        except Unfit as why:
            out.append({"verdict": "unfit", "why": str(why)})
    return {"steps": out, "state": state_to_json(client.state, pending)}
