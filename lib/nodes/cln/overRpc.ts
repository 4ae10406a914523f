import { fromHex, toHex } from '../../core/bytes.ts';
import { NodeError } from '../../core/errors.ts';
import { type NodeId, nodeId } from '../../core/ids.ts';
import { listeners } from '../../core/listeners.ts';
import type { Stop } from '../../ports/abort.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import { factsOf } from './facts.ts';
import { channelFromJson, invoiceFromJson, peerFromJson } from './fromJson.ts';
import { type Json, listOf, maybeWhole, objectOf, textOf, wholeOf } from './json.ts';
import type { Lightningd } from './lightningd.ts';
import { presence } from './presence.ts';

/** What a plugin has of its lightningd: its JSON-RPC, and what it tells. */
export interface PluginHost {
  /** @throws NodeError */
  rpc(method: string, params: Json): Promise<unknown>;
  /** Notifications (`connect`, `disconnect`) as the plugin gets them. */
  onNotification(f: (method: string, params: Json) => void): Stop;
  /** Custom messages, of the hook `custommsg`. */
  onCustomMessage(f: (from: string, payload: string) => void): Stop;
}

/** The lightningd of a plugin. @throws NodeError */
export async function hostLightningd(
  host: PluginHost,
  o: { readonly clock: Clock; readonly log: Log },
): Promise<Lightningd> {
  const where = 'lightningd';
  const call = async (method: string, params: Json = {}): Promise<Json> =>
    objectOf(await host.rpc(method, params), method);
  const info = await call('getinfo');
  const config = async (name: string): Promise<number | undefined> => {
    const configs = objectOf((await call('listconfigs', { config: name }))['configs'] ?? {}, 'configs');
    const found = configs[name];
    return found === undefined ? undefined : maybeWhole(objectOf(found, name), 'value_int');
  };
  const minCapacity = await config('min-capacity-sat');
  const facts = factsOf(where, {
    id: textOf(info, 'id'),
    network: textOf(info, 'network'),
    version: textOf(info, 'version'),
    synced: info['warning_bitcoind_sync'] === undefined && info['warning_lightningd_sync'] === undefined,
    watchtimeBlocks: await config('watchtime-blocks'),
    cltvFinal: await config('cltv-final'),
    minCapacitySat: minCapacity === undefined ? undefined : BigInt(minCapacity),
  });
  const messages = listeners<[NodeId, Uint8Array]>();
  const peers = async () => listOf(await call('listpeers'), 'peers').map(peerFromJson);
  const there = presence({ peers, clock: o.clock, log: o.log });
  const stops = [
    host.onCustomMessage((from, payload) => messages.tell(nodeId(from), fromHex(payload))),
    host.onNotification((method, params) => {
      if (method !== 'connect' && method !== 'disconnect') return;
      // Some versions name the notification once more around it.
      const told = objectOf(params[method] ?? params, method);
      const id = nodeId(textOf(told, 'id'));
      if (method === 'connect') there.online(id);
      else there.hungUp(id);
    }),
  ];
  await there.look();

  return {
    ...facts,
    where,
    log: o.log,
    height: async () => wholeOf(await call('getinfo'), 'blockheight'),
    peers,
    async connect({ nodeId: id, host: address, port }) {
      await call('connect', { id, host: address, port });
      there.online(id);
    },
    async sendMessage(to, message) {
      await call('sendcustommsg', { node_id: to, msg: toHex(message) });
    },
    channels: async () => listOf(await call('listpeerchannels'), 'channels').map(channelFromJson),
    async createInvoice({ text: invstring, label, preimage }) {
      await call('createinvoice', { invstring, label, preimage: toHex(preimage) });
    },
    signInvoice: async (invstring) => textOf(await call('signinvoice', { invstring }), 'bolt11'),
    async invoice(hash) {
      const [found] = listOf(await call('listinvoices', { payment_hash: hash }), 'invoices');
      return found && invoiceFromJson(found);
    },
    async removeInvoice(label) {
      await call('delinvoice', { label, status: 'unpaid' });
    },
    listDatastore: async (key) =>
      listOf(await call('listdatastore', { key }), 'datastore').flatMap((entry) => {
        if (typeof entry['string'] !== 'string') return [];
        return {
          key: keyOf(entry),
          text: entry['string'],
          generation: BigInt(wholeOf(entry, 'generation')),
        };
      }),
    async putDatastore(key, text, over) {
      const mode = over === 'any' ? 'create-or-replace' : over === undefined ? 'must-create' : 'must-replace';
      const generation = typeof over === 'bigint' ? { generation: Number(over) } : {};
      return BigInt(wholeOf(await call('datastore', { key, string: text, mode, ...generation }), 'generation'));
    },
    async removeDatastore(key, generation) {
      await call('deldatastore', { key, ...(generation === undefined ? {} : { generation: Number(generation) }) });
    },
    plugins: async () =>
      listOf(await call('plugin', { subcommand: 'list' }), 'plugins')
        .filter((each) => each['active'] === true)
        .map((each) => textOf(each, 'name')),
    onMessage: messages.add,
    isConnected: there.isConnected,
    onConnected: there.onConnected,
    onDisconnected: there.onDisconnected,
    isUp: () => true,
    close() {
      for (const stop of stops) stop();
      there.close();
    },
  };
}

function keyOf(entry: Json): readonly string[] {
  const key = entry['key'];
  if (!Array.isArray(key) || !key.every((part) => typeof part === 'string'))
    throw new NodeError('lightningd has a datastore entry without a key');
  return key;
}
