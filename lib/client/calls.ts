import type { Msat } from '../core/amount.ts';
import type { PeerUri } from '../core/ids.ts';
import type { Abortable } from '../ports/abort.ts';
import { object } from '../protocol/lsps0/json.ts';
import { decodeProtocols, LIST_PROTOCOLS } from '../protocol/lsps0/listProtocols.ts';
import {
  type Bought,
  BUY,
  decodeBought,
  decodeMenu,
  encodeBuy,
  encodeGetInfo,
  GET_INFO,
} from '../protocol/lsps2/messages.ts';
import type { OpeningFeeParams } from '../protocol/lsps2/openingFeeParams.ts';
import type { Requests } from './requests.ts';

// The three calls of LSPS0 and LSPS2. Each throws what `ask` throws.

/** The LSPS numbers that the LSP speaks besides LSPS0. */
export const listProtocols = async (to: Requests, lsp: PeerUri, options?: Abortable): Promise<readonly number[]> =>
  decodeProtocols(await to.ask(lsp, LIST_PROTOCOLS, object({}), options));

/** The LSP's menu; empty when it sells us nothing now. */
export const getInfo = async (
  to: Requests,
  lsp: PeerUri,
  token: string | undefined,
  options?: Abortable,
): Promise<readonly OpeningFeeParams[]> => decodeMenu(await to.ask(lsp, GET_INFO, encodeGetInfo(token), options));

export const buy = async (
  to: Requests,
  lsp: PeerUri,
  o: { readonly params: OpeningFeeParams; readonly paymentSize: Msat | undefined },
  options?: Abortable,
): Promise<Bought> => decodeBought(await to.ask(lsp, BUY, encodeBuy(o), options));
