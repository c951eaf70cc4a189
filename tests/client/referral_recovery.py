"""What an agency does when the broker's log goes on under another origin: section 16 of
docs/protocol.md. Beside referral_client.py, whose Agency it takes further."""

import re

from referral_client import (SUITE, ZERO, Checkpoint, Forged, a, digest_of, expect, key_id, m,
                             make_proof, message_digest, r, verify)


def recovery_text(statement):
    return digest_of(b"referral.v1.recovery\0", digest_of(statement))


def make_recovery(seed, statement):
    return a.SignedRecovery(statement=statement, key_id=key_id(SUITE.sign_public(seed)),
                            signature=SUITE.sign(seed, recovery_text(statement)))


def check_recoveries(signed, keys):
    """[(statement, anchor)], the first log of the broker first; all verified."""
    origin, found = keys.origin, []
    for each in signed:
        verify(keys.by_id("broker", each.key_id), recovery_text(each.statement), each.signature)
        statement = a.Recovery.FromString(each.statement)
        ending = re.fullmatch(re.escape(keys.origin) + r"/([1-9][0-9]*)", statement.new_origin)
        expect(statement.version == 1 and ending is not None, "a recovery of another broker")
        expect(statement.old_origin == origin, "the statements do not follow each other")
        origin = statement.new_origin
        found.append((statement, Checkpoint(statement.anchor, statement.old_origin,
                                            keys.all("broker", "sign"))))
    return found


def follow(agency, recoveries):
    """The broker's log goes on under another origin: believed when it extends what is known
    of the old one. Answers the size up to which it does; behind that all is handed back."""
    chain = check_recoveries(recoveries, agency.keys)
    origins = [agency.keys.origin] + [statement.new_origin for statement, _ in chain]
    expect(agency.origin in origins[:-1], "the broker went back to an older log")
    anchor = chain[origins.index(agency.origin)][1].size
    sizes = sorted((size for size in agency.known if size <= anchor), reverse=True)
    known, agency.known, agency.origin = agency.known, {}, origins[-1]
    agency.past = {statement.old_origin: place.size for statement, place in chain}
    for size in sizes if sizes else [0]:
        agency.size, agency.root = size, known.get(size, b"")
        try:
            head = agency.hello(streams=True)
        except Forged:
            continue  # the broker may have run on the copy: an older one is tried
        for base in head.hello.streams:
            seen = agency.seen.get(base.lane, {})
            expect(base.seq == 0 or seen.get(base.seq) == base.hash,
                   "the new log has another message at a place that is known")
            agency.streams[base.lane] = (base.seq, base.hash if base.seq else ZERO)
        return size
    raise Forged("the new log extends nothing that is known")


def handed_back(agency, payload, receipt=None, proof=None):
    """One's own message (its proof made anew), or a received one; with its receipt, if any."""
    proof = proof or make_proof(agency.sign_seed,
                                [message_digest(m.Payload.FromString(payload))], 0)
    envelope = r.Envelope(payload=payload, proof=proof)
    return r.HandedBack(envelope=envelope.SerializeToString(deterministic=True),
                        receipt=receipt.SerializeToString(deterministic=True)
                        if receipt is not None else b"")


def hand_back(agency, items, everything=False):
    """(phase, a code for each item)"""
    reply = agency.ask("hand_back", r.HandBack(items=items, all=everything)).hand_back
    expect(len(reply.codes) == len(items), "a code for each item")
    return reply.phase, list(reply.codes)
