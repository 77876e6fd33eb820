"""Key Transparency once more, from the draft alone: slow, complete, and with nothing of the programs in it.

Modules, each standing on those before it:

    refusal      the one exception
    ed25519      the curve, and signatures
    vrf          ECVRF-EDWARDS25519-SHA512-TAI
    codec        TLS presentation
    structs      configuration, heads, proofs
    messages     requests, answers, credentials
    crypto       hashes over those structs
    prefix       the prefix tree: insert, prove, evaluate
    logtree      the log tree: roots, batch proofs
    implicit     the implicit binary search tree
    ladder       binary ladders
    transcript   one answer's queues: recorded by the prover, consumed by the verifier
    algorithms   each algorithm of the draft, once, over a transcript
    owner        the owner's algorithms, likewise
    server       the prover: an in-memory tree that answers
    view         what a user retains between answers
    client       the verifier and its state
    ownership    the client as owner of labels
    credential   credentials, both sides
    mailbox      this project's values and its feed
    extensions   absence, and what was known at a time
    describe     JSON in and out
    chance       random descriptions
    golden       golden files: what a description leads to
    verdict      verdicts on another server's answers
    __main__     the three as commands
"""
