import type { Brand } from './brand.ts';
import { DecodeError } from './errors.ts';

// Identifiers are hex strings, not bytes: they are map keys, and JSON.

/** A node's compressed public key: 33 bytes as 66 hex characters. */
export type NodeId = Brand<string, 'nodeId'>;
/** SHA-256 of a preimage: 64 hex characters. */
export type PaymentHash = Brand<string, 'paymentHash'>;
/** The channel id of BOLT 2, 64 hex characters. */
export type ChannelId = Brand<string, 'channelId'>;
/** A transaction id as people write it (reversed bytes), 64 hex characters. */
export type Txid = Brand<string, 'txid'>;

const reader =
  <Id extends string>(what: string, form: RegExp) =>
  (text: string, path = ''): Id => {
    if (!form.test(text)) throw new DecodeError(path, `not ${what}`);
    return text as Id;
  };

/** Whether the point is on the curve is checked where it is used. @throws {@link DecodeError} */
export const nodeId = reader<NodeId>('a node id: 02 or 03 and 64 lower-case hex characters', /^0[23][0-9a-f]{64}$/);
export const paymentHash = reader<PaymentHash>('a payment hash: 64 lower-case hex characters', /^[0-9a-f]{64}$/);
export const channelId = reader<ChannelId>('a channel id: 64 lower-case hex characters', /^[0-9a-f]{64}$/);
export const txid = reader<Txid>('a transaction id: 64 lower-case hex characters', /^[0-9a-f]{64}$/);

/** Where a peer listens: `nodeid@host:port`, or `nodeid@wss://host:port/path` where it is reached by WebSocket. */
export interface PeerUri {
  readonly nodeId: NodeId;
  readonly host: string;
  readonly port: number;
  /** By WebSocket: the whole URL. */
  readonly url?: string;
}

const URI = /^(0[23][0-9a-f]{64})@(wss?:\/\/)?(\[[0-9a-f:.]+\]|[0-9a-z._-]+|[0-9a-f:.]+?)(?::(\d{1,5}))?(\/[!-~]*)?$/i;
const DEFAULT_PORT: Readonly<Record<string, number>> = { 'ws://': 80, 'wss://': 443 };
/** Where a URL's path is cut, or read as something else than a path. */
const NOT_OF_A_PATH = /[\\#@]/;

/** Groups of an IPv6 address (RFC 4291): eight, or fewer with one `::`. */
function isIpv6(text: string): boolean {
  const [head = '', tail, ...more] = text.split('::');
  const groups = (part: string | undefined) => (part ? part.split(':') : []);
  const all = [...groups(head), ...groups(tail)];
  const count = all.length + (all.at(-1)?.includes('.') ? 1 : 0);
  const isGroup = (group: string, i: number) =>
    /^[0-9a-f]{1,4}$/i.test(group) || (i === all.length - 1 && /^(\d{1,3}\.){3}\d{1,3}$/.test(group));
  return more.length === 0 && all.every(isGroup) && (tail === undefined ? count === 8 : count < 8);
}

/**
 * Reads `nodeid@host:port` (bLIP-50 "Connection strings"; an IPv6 host may stand in brackets), or `nodeid@ws://...`, `nodeid@wss://...`.
 * @throws {@link DecodeError}
 */
export function parseUri(text: string): PeerUri {
  const [, id = '', given, hostText = '', portText, path = ''] = URI.exec(text) ?? [];
  const scheme = given?.toLowerCase();
  const port = Number(portText ?? DEFAULT_PORT[scheme ?? '']);
  const isUrl = scheme !== undefined;
  const host = hostText.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  const isBracketed = hostText !== host && hostText.startsWith('[');
  const isHost = isBracketed || host.includes(':') ? isIpv6(host) && (isBracketed || !isUrl) : host !== '';
  // Outside of a URL nothing follows the port.
  if (!id || !isHost || !(port >= 1 && port <= 65_535) || (isUrl ? NOT_OF_A_PATH.test(path) : path !== ''))
    throw new DecodeError('', 'not an LSP address of the form nodeid@host:port');
  const url = isUrl ? { url: `${scheme}${hostText.toLowerCase()}:${port}${path || '/'}` } : {};
  return { nodeId: nodeId(id.toLowerCase()), host, port, ...url };
}

export const formatUri = ({ nodeId: id, host, port, url }: PeerUri): string =>
  `${id}@${url ?? `${host.includes(':') ? `[${host}]` : host}:${port}`}`;
