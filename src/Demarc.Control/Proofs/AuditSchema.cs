namespace Demarc.Control.Proofs;

/// <summary>What the files of a bundle mean, for whoever reads one without this program.</summary>
internal static class AuditSchema
{
    public const string Json =
        """
        {
          "format": "demarc-audit-1",
          "records.jsonl": {
            "": "one leaf of the log's Merkle tree a line, in its order",
            "leaf": "index in the tree, from 0",
            "salt": "16 bytes, hex",
            "organization_id": "org_…",
            "kind": "begun (a request was admitted), attempt (a further call to a deployment), finished (a request ended), event",
            "id": "UUID of the request or event",
            "session_id": "clls_…; absent for none",
            "at": "Unix milliseconds",
            "body": "the record, JSON; nano_usd are 10^-9 US dollars",
            "erased": "in place of all but leaf: the commitment (hex) of a record that was erased; a tombstone names the leaf",
            "missing": "in place of all but leaf: the commitment (hex) of a record that is not in the store, and should be"
          },
          "commitment": "HMAC-SHA-256, key: salt, over UTF-8 of 'demarc-record-1', organization_id, kind, id, session_id or nothing, at, each followed by a line feed, and then the bytes of body",
          "leaf hash": "SHA-256 of a zero byte and the commitment (RFC 6962, 2.1)",
          "activities.csv": "a row for each request that ended and each event of records.jsonl; token counts are tokens, details are an event's own fields as JSON",
          "members.csv": "who belonged to the organization at the end of each UTC day, by the events on record",
          "proof.json": "first, end: the leaves of records.jsonl; size: leaves of the tree; outside: hashes (base64) of the largest subtrees beside them; consistency: RFC 6962 2.1.2 proofs from older sizes",
          "tombstones.json": "events that name erased leaves (fields.leaves of the body, such as 0-255,300), each with salt and inclusion path (RFC 6962 2.1.1, base64, from the leaf up)",
          "checkpoint.txt": "the signed note (C2SP tlog-checkpoint) that the proofs lead to",
          "checkpoints.txt": "those that were given to the witness",
          "keys.txt": "public keys that have signed (C2SP signed-note, type 0x02: ECDSA P-256, SHA-256), oldest first",
          "endorsements.txt": "notes by which each key names the next",
          "sample.json": "a sample of requests, chosen by a seed",
          "statement.json": "what is complete, and what is not",
          "manifest.json": "SHA-256 of every other file; the hash of this one is in the log, in an event of type demarc_audit_exported"
        }
        """;
}
