import type { FailureReason } from '../core/failureCode.ts';
import type { Scid } from '../core/scid.ts';
import type { Context } from './context.ts';
import { inTime, NODE_SECONDS_MAX, persist } from './retry.ts';

/**
 * Gives a held part back. Nobody remembers the part after this, so a node that fails to is asked again until it does (L2);
 * only the first attempt is waited for, and whether it succeeded is what this resolves with.
 */
export async function giveBack(
  context: Context,
  { scid, id, reason }: { readonly scid: Scid; readonly id: string; readonly reason: FailureReason },
): Promise<boolean> {
  const { node, emit, clock } = context;
  const job = () => inTime(clock, NODE_SECONDS_MAX, async () => node.fail(id, reason));
  const failed = (cause: unknown) => emit('trouble', { scid, what: 'failPart', cause });
  context.givingBack.add(id);
  const done = () => void context.givingBack.delete(id);
  try {
    await job();
    done();
    return true;
  } catch (cause) {
    failed(cause);
    void persist(clock, { job, wanted: () => context.running(), failed }).then(done);
    return false;
  }
}
