import { msat, NodeError } from 'lsps2';
import type { ClnChannel, ClnInvoice, DatastoreEntry, Lightningd } from 'lsps2/cln';
import { type NodeId, nodeId, paymentHash } from '../../../lib/core/ids.ts';
import { listeners } from '../../../lib/core/listeners.ts';
import { scid } from '../../../lib/core/scid.ts';
import { LSP } from '../../client/samples.ts';

// What the port hides stands here: a lightningd whose books a test writes. Its datastore counts changes as the real one does.

export const HEIGHT = 800_000;
const CHANNEL = 'cc'.repeat(32);

export interface FakeLightningd extends Omit<Lightningd, 'channels' | 'listDatastore' | 'putDatastore'> {
  channels: Lightningd['channels'];
  listDatastore: Lightningd['listDatastore'];
  putDatastore: Lightningd['putDatastore'];
  readonly state: { height: number; channels: ClnChannel[]; fails: ReadonlySet<string> };
  /** A peer leaves. */
  hangUp(peer: NodeId): void;
  readonly invoices: Map<string, ClnInvoice & { readonly text?: string }>;
}

/** Over one datastore there may be several: the plugin's, and those of programs over gRPC. */
export type Datastore = Map<string, DatastoreEntry>;

export const channel = (change: Partial<ClnChannel> = {}): ClnChannel => ({
  peer: LSP,
  peerConnected: true,
  state: 'normal',
  channelId: CHANNEL as never,
  names: [scid(7n)],
  confirmed: true,
  remoteAlias: undefined,
  openedByPeer: true,
  closedByPeer: false,
  capacity: msat(150_000_000n),
  toUs: msat(0n),
  receivable: msat(140_000_000n),
  inFlightMax: msat(140_000_000n),
  policy: undefined,
  unanswered: [],
  ...change,
});

export function fakeLightningd(datastore: Datastore = new Map()): FakeLightningd {
  const state = { height: HEIGHT, channels: [channel()], fails: new Set<string>() };
  const invoices = new Map<string, ClnInvoice & { readonly text?: string }>();
  const check = (what: string) => {
    if (state.fails.has(what)) throw new NodeError(`lightningd: ${what}`);
  };
  const none = () => () => undefined;
  const disconnected = listeners<[NodeId]>();
  const nameOf = (key: readonly string[]) => key.join('\n');
  return {
    state,
    invoices,
    where: 'lightningd',
    nodeId: nodeId(`02${'99'.repeat(32)}`),
    network: 'regtest',
    version: 'v26.06.6',
    synced: true,
    watchtimeBlocks: 144,
    cltvFinal: 18,
    minCapacitySat: 10_000n,
    log: () => undefined,
    async height() {
      check('height');
      return state.height;
    },
    peers: async () => [],
    connect: async () => undefined,
    sendMessage: async () => undefined,
    async channels() {
      check('channels');
      return state.channels;
    },
    async createInvoice({ text, label }) {
      check('createInvoice');
      invoices.set(paymentHash(label.replace('lsps2-', '')), { status: 'unpaid', received: undefined, text });
    },
    signInvoice: async (text) => text,
    async invoice(hash) {
      check('invoice');
      return invoices.get(hash);
    },
    removeInvoice: async (label) => void invoices.delete(label.replace('lsps2-', '')),
    async listDatastore(key) {
      check('listDatastore');
      return [...datastore.values()].filter((each) => key.every((part, i) => each.key[i] === part));
    },
    async putDatastore(key, text, over) {
      check('putDatastore');
      const found = datastore.get(nameOf(key));
      if (over === undefined && found) throw new NodeError('Key already exists');
      if (typeof over === 'bigint' && found?.generation !== over) throw new NodeError('generation is different');
      const generation = found ? found.generation + 1n : 0n;
      datastore.set(nameOf(key), { key, text, generation });
      return generation;
    },
    async removeDatastore(key, generation) {
      check('removeDatastore');
      const found = datastore.get(nameOf(key));
      if (!found) throw new NodeError('Key does not exist');
      if (generation !== undefined && generation !== found.generation) throw new NodeError('generation is different');
      datastore.delete(nameOf(key));
    },
    plugins: async () => ['/usr/bin/lsps2-cln-plugin'],
    onMessage: none,
    isConnected: () => true,
    onConnected: none,
    onDisconnected: disconnected.add,
    hangUp: disconnected.tell,
    isUp: () => true,
    close: () => undefined,
  };
}
