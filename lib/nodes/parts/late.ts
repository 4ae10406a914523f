import type { Clock } from '../../ports/clock.ts';

/**
 * A payment that began before its invoice ended may come this much later, in seconds. Of what was bought the gates judge, and more strictly; this
 * is for all other invoices.
 */
export const LATE_SECONDS = 600;

/** `endsAt`: Unix seconds. */
export const isLate = ({ endsAt }: { readonly endsAt: number }, clock: Clock): boolean =>
  clock.nowMs() / 1000 > endsAt + LATE_SECONDS;
