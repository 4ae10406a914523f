/** The error codes of JSON-RPC 2.0 and bLIP-50. */
export const LSPS0_ERROR = {
  parse_error: -32_700,
  invalid_request: -32_600,
  method_not_found: -32_601,
  invalid_params: -32_602,
  internal_error: -32_603,
  client_rejected: 1,
} as const;

// Reserved for the implementation of a server; a client treats them as an internal error.
const SERVER_ERROR_MIN = -32_099;
const SERVER_ERROR_MAX = -32_000;

/** The word for an error code, out of the tables given; `unknown` when none has it. */
export function reasonOf(code: number, ...tables: readonly Readonly<Record<string, number>>[]): string {
  if (code >= SERVER_ERROR_MIN && code <= SERVER_ERROR_MAX) return 'internal_error';
  for (const table of [LSPS0_ERROR, ...tables]) {
    const found = Object.entries(table).find(([, number]) => number === code);
    if (found) return found[0];
  }
  return 'unknown';
}

export const PEER_TEXT_MAX = 200;

/** A peer's words, made harmless: printable ASCII without `<`, `>` and `&`, cut short (bLIP-50 "Error Handling"). */
export function filterPeerText(text: string): string {
  const printable = text.replace(/[^ -%'-;=?-~]+/g, ' ').trim();
  return printable.length > PEER_TEXT_MAX ? `${printable.slice(0, PEER_TEXT_MAX)}...` : printable;
}
