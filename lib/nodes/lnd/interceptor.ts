import {
  type CircuitKey,
  type ForwardHtlcInterceptRequest,
  ForwardHtlcInterceptResponse,
  ResolveHoldForwardAction,
} from '../../generated/lnd/router.ts';
import type { Scid } from '../../core/scid.ts';
import { follow, type Following } from '../grpc/calls.ts';
import type { Lnd } from './lnd.ts';
import type { Failed } from './parts.ts';

type Answer = { readonly preimage: Uint8Array } | Failed;

/** lnd's interceptor of forwards: what is for the phantom is shown, everything else goes on at once, untouched. */
export interface Interceptor extends Following {
  /** False: there is no stream. lnd ends the stream over an answer about an HTLC that it does not hold. */
  answer(circuit: CircuitKey, answer: Answer): boolean;
}

export function interceptor(o: {
  readonly lnd: Lnd;
  readonly scid: Scid;
  heard(request: ForwardHtlcInterceptRequest): void;
  /** What lnd held for us it has let go, unless it requires an interceptor: then it shows it again. */
  cut(): void;
}): Interceptor {
  const { lnd } = o;
  const open = () => lnd.router.htlcInterceptor(lnd.metadata());
  let stream: ReturnType<typeof open> | undefined;
  const following = follow({
    name: 'HtlcInterceptor',
    where: lnd.where,
    isUp: lnd.isUp,
    open,
    opened: (mine) => {
      stream = mine;
    },
    heard(request: ForwardHtlcInterceptRequest, mine) {
      const { incomingCircuitKey, outgoingRequestedChanId } = request;
      if (outgoingRequestedChanId === o.scid) o.heard(request);
      else
        mine.write(
          ForwardHtlcInterceptResponse.fromPartial({ incomingCircuitKey, action: ResolveHoldForwardAction.RESUME }),
        );
    },
    cut(error) {
      stream = undefined;
      lnd.log({ level: 'warn', event: 'lnd.stream_cut', fields: { stream: 'interceptor', cause: error.message } });
      o.cut();
    },
  });
  return {
    ...following,
    answer(incomingCircuitKey, answer) {
      const action = 'preimage' in answer ? ResolveHoldForwardAction.SETTLE : ResolveHoldForwardAction.FAIL;
      return (
        stream?.write(ForwardHtlcInterceptResponse.fromPartial({ incomingCircuitKey, action, ...answer })) !== undefined
      );
    },
  };
}
