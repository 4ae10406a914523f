import { NodeError, PolicyError, RpcError, TermsError, TransportError } from 'lsps2';

/** What the process ends with. `help.ts` documents them. */
export const EXIT = {
  ok: 0,
  other: 1,
  usage: 2,
  unreachable: 3,
  terms: 4,
  limits: 5,
  refused: 6,
  unpaid: 7,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The command line was wrong. */
export class UsageError extends Error {}

/** What came was turned away, and nothing right came after it. */
export class RefusedError extends Error {}

/** The payer gave up, or nobody paid in time. */
export class UnpaidError extends Error {}

export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof UsageError) return EXIT.usage;
  if (error instanceof TransportError) return EXIT.unreachable;
  if (error instanceof TermsError || error instanceof RpcError) return EXIT.terms;
  if (error instanceof PolicyError) return EXIT.limits;
  if (error instanceof RefusedError) return EXIT.refused;
  if (error instanceof UnpaidError) return EXIT.unpaid;
  return EXIT.other;
}

/** One line for stderr. Whatever is behind an error stays behind it: no stack, no cause, no secrets. */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  // Nothing that a terminal would act upon, whoever wrote it.
  const [first = 'unknown error'] = text.split('\n').map((line) => line.replace(/[\p{Cc}\p{Cf}]/gu, '?'));
  return error instanceof NodeError ? `node: ${first}` : first;
}
