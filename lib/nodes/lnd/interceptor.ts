import {
  type CircuitKey,
  type ForwardHtlcInterceptRequest,
  ForwardHtlcInterceptResponse,
  ResolveHoldForwardAction,
} from '../../generated/lnd/router.ts';
import type { Scid } from '../../core/scid.ts';
import type { Clock } from '../../ports/clock.ts';
import { follow, type Following } from '../grpc/calls.ts';
import type { Lnd } from './lnd.ts';
import { type Failed, isOnChain } from './parts.ts';
import { isPhantom } from './phantom.ts';

/** How long another program has to come for what is for its phantom, while we are there. */
const OTHERS_KEPT_MS = 120_000;

type Answer = { readonly preimage: Uint8Array } | Failed;

/** lnd's interceptor of forwards: what is for the phantom is shown, everything else goes on at once, untouched. */
export interface Interceptor extends Following {
  /** Another number for each stream: what came over one is not answered over the next, to which lnd shows it again. */
  generation(): number;
  /** Since when this stream is, milliseconds. */
  since(): number;
  /** lnd ends the stream, and lets go all that it holds, over an answer about an HTLC that it does not hold. */
  answer(circuit: CircuitKey, answer: Answer): void;
}

export function interceptor(o: {
  readonly lnd: Lnd;
  readonly clock: Clock;
  readonly scid: Scid;
  heard(request: ForwardHtlcInterceptRequest, generation: number): void;
  /** What lnd held for us it has let go, unless it requires an interceptor: then it shows it again. */
  cut(): void;
}): Interceptor {
  const { lnd } = o;
  const open = () => lnd.router.htlcInterceptor(lnd.metadata());
  const resume = (mine: ReturnType<typeof open>, incomingCircuitKey: CircuitKey | undefined) =>
    mine.write(
      ForwardHtlcInterceptResponse.fromPartial({ incomingCircuitKey, action: ResolveHoldForwardAction.RESUME }),
    );
  let stream: ReturnType<typeof open> | undefined;
  let generation = 0;
  let since = o.clock.nowMs();
  const following = follow({
    name: 'HtlcInterceptor',
    where: lnd.where,
    isUp: lnd.isUp,
    ping: lnd.height,
    isTaken: ({ detail }) => /already exists/.test(detail),
    open,
    opened: (mine) => {
      stream = mine;
      generation++;
      since = o.clock.nowMs();
    },
    heard(request: ForwardHtlcInterceptRequest, mine) {
      const { incomingCircuitKey, outgoingRequestedChanId } = request;
      if (outgoingRequestedChanId === o.scid) o.heard(request, generation);
      else if (isOnChain(request)) return;
      // Were it sent on, it would fail: lnd keeps it for the program whose phantom it is for. Nobody may have it kept for long.
      else if (lnd.requiresInterceptor && isPhantom(outgoingRequestedChanId))
        o.clock.after(OTHERS_KEPT_MS, () => stream === mine && resume(mine, incomingCircuitKey));
      else resume(mine, incomingCircuitKey);
    },
    cut(error) {
      stream = undefined;
      generation++;
      lnd.log({ level: 'warn', event: 'lnd.stream_cut', fields: { stream: 'interceptor', cause: error.message } });
      o.cut();
    },
  });
  return {
    ...following,
    generation: () => generation,
    since: () => since,
    answer(incomingCircuitKey, answer) {
      const action = 'preimage' in answer ? ResolveHoldForwardAction.SETTLE : ResolveHoldForwardAction.FAIL;
      stream?.write(ForwardHtlcInterceptResponse.fromPartial({ incomingCircuitKey, action, ...answer }));
    },
  };
}
