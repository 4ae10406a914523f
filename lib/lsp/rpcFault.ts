import { Lsps2Error } from '../core/errors.ts';
import { LSPS0_ERROR } from '../protocol/lsps0/errors.ts';
import type { Json } from '../protocol/lsps0/json.ts';
import { LSPS2_ERROR } from '../protocol/lsps2/errors.ts';

export const RPC_CODE = { ...LSPS0_ERROR, ...LSPS2_ERROR };
export type RpcReason = keyof typeof RPC_CODE;

/** An answer of no. Thrown by methods, turned into a JSON-RPC error by the server. */
export class RpcFault extends Lsps2Error {
  readonly code = 'rpc_fault';
  readonly reason: RpcReason;
  readonly data: Json | undefined;

  constructor(reason: RpcReason, data?: Json) {
    super(reason);
    this.reason = reason;
    this.data = data;
  }
}
