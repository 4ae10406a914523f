/** The BOLT 4 failure codes that an LSP of bLIP-52 answers with, by their spec names. */
export const FAILURE_CODE = {
  /** Try again later: the set was incomplete, the client was away, or the LSP had a problem. */
  temporary_channel_failure: 0x1007,
  /** Do not try again: the offer is over, or the client does not want the channel. */
  unknown_next_peer: 0x400a,
} as const;

export type FailureReason = keyof typeof FAILURE_CODE;
