import type { Clock } from '../ports/clock.ts';

/** What a peer may send us within one window; a full gossip feed of a busy node stays far below. */
const WINDOW_MS = 10_000;
const WINDOW_MESSAGES_MAX = 2_000;
const WINDOW_BYTES_MAX = 8 << 20;

/** Counts what a peer sends. Returns whether it is too much. */
export function floodGauge(clock: Clock): (bytes: number) => boolean {
  let since = clock.nowMs();
  let [messages, bytes] = [0, 0];
  return (count) => {
    const now = clock.nowMs();
    if (now - since >= WINDOW_MS) [since, messages, bytes] = [now, 0, 0];
    messages++;
    bytes += count;
    return messages > WINDOW_MESSAGES_MAX || bytes > WINDOW_BYTES_MAX;
  };
}
