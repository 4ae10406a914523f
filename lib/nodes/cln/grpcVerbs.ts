import { msat } from '../../core/amount.ts';
import { fromHex, toHex } from '../../core/bytes.ts';
import { nodeId } from '../../core/ids.ts';
import {
  DatastoreRequest_DatastoreMode,
  DelinvoiceRequest_DelinvoiceStatus,
  ListinvoicesInvoices_ListinvoicesInvoicesStatus as InvoiceStatus,
  type NodeClient,
  PluginSubcommand,
} from '../../generated/cln/node.ts';
import { decodeFeatures } from '../../protocol/bolt1/features.ts';
import type { Calls } from '../grpc/calls.ts';
import { channelFromGrpc } from './fromGrpc.ts';
import type { Lightningd } from './lightningd.ts';

type Verbs = Pick<
  Lightningd,
  | 'peers'
  | 'sendMessage'
  | 'channels'
  | 'createInvoice'
  | 'signInvoice'
  | 'invoice'
  | 'removeInvoice'
  | 'listDatastore'
  | 'putDatastore'
  | 'removeDatastore'
  | 'plugins'
>;

/** What lightningd is asked over gRPC, a call each. */
export const grpcVerbs = (node: NodeClient, call: Calls['call']): Verbs => ({
  async peers() {
    const told = await call('ListPeers', node.listPeers.bind(node), {});
    return told.peers.map(({ id, connected, features }) => ({
      nodeId: nodeId(toHex(id)),
      connected,
      features: decodeFeatures(features ?? new Uint8Array(0)),
    }));
  },
  async sendMessage(to, msg) {
    await call('SendCustomMsg', node.sendCustomMsg.bind(node), { nodeId: fromHex(to), msg });
  },
  channels: async () =>
    (await call('ListPeerChannels', node.listPeerChannels.bind(node), {})).channels.map(channelFromGrpc),
  async createInvoice({ text: invstring, label, preimage }) {
    await call('CreateInvoice', node.createInvoice.bind(node), { invstring, label, preimage });
  },
  signInvoice: async (invstring) => (await call('SignInvoice', node.signInvoice.bind(node), { invstring })).bolt11,
  async invoice(hash) {
    const { invoices } = await call('ListInvoices', node.listInvoices.bind(node), { paymentHash: fromHex(hash) });
    const [found] = invoices;
    if (!found) return undefined;
    const paid = found.status === InvoiceStatus.PAID;
    const status = paid ? 'paid' : found.status === InvoiceStatus.EXPIRED ? 'expired' : 'unpaid';
    return { status, received: found.amountReceivedMsat && msat(found.amountReceivedMsat.msat) };
  },
  async removeInvoice(label) {
    const status = DelinvoiceRequest_DelinvoiceStatus.UNPAID;
    await call('DelInvoice', node.delInvoice.bind(node), { label, status });
  },
  async listDatastore(key) {
    const { datastore } = await call('ListDatastore', node.listDatastore.bind(node), { key });
    return datastore.flatMap(({ key: at, string: text, generation }) =>
      text === undefined ? [] : [{ key: at, text, generation: generation ?? 0n }],
    );
  },
  async putDatastore(key, text, over) {
    const { MUST_CREATE, MUST_REPLACE, CREATE_OR_REPLACE } = DatastoreRequest_DatastoreMode;
    const mode = over === 'any' ? CREATE_OR_REPLACE : over === undefined ? MUST_CREATE : MUST_REPLACE;
    const generation = typeof over === 'bigint' ? over : undefined;
    const put = { key, string: text, mode, generation };
    return (await call('Datastore', node.datastore.bind(node), put)).generation ?? 0n;
  },
  async removeDatastore(key, generation) {
    await call('DelDatastore', node.delDatastore.bind(node), { key, generation });
  },
  plugins: async () =>
    (await call('Plugin', node.plugin.bind(node), { subcommand: PluginSubcommand.LIST, plugin: undefined })).plugins
      .filter(({ active }) => active)
      .map(({ name }) => name),
});
