/**
 * The BOLT 4 failures that an LSP of bLIP-52 answers with, by their spec names:
 * - `temporary_channel_failure` (0x1007): try again later; the set was incomplete, the client was away, or the LSP had a problem.
 * - `unknown_next_peer` (0x400a): do not try again; the offer is over, or the client does not want the channel.
 */
export type FailureReason = 'temporary_channel_failure' | 'unknown_next_peer';
