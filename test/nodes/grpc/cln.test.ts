import { status } from '@grpc/grpc-js';
import { type Gates, msat, type NodeError, parseUri, TransportError } from 'lsps2';
import { clnFiles, clnNode, clnStockWallet, clnStore, clnWallet, type Lightningd, readClngrpc } from 'lsps2/cln';
import { memoryStore } from 'lsps2/memory';
import { describe, expect, onTestFinished, test } from 'vitest';
import { fromHex } from '../../../lib/core/bytes.ts';
import { nodeId } from '../../../lib/core/ids.ts';
import { scid } from '../../../lib/core/scid.ts';
import {
  ConnectResponse,
  CustomMsgNotification,
  DatastoreResponse,
  GetinfoResponse,
  ListconfigsResponse,
  ListdatastoreResponse,
  ListinvoicesInvoices_ListinvoicesInvoicesStatus as InvoiceStatus,
  ListpeerchannelsResponse,
  ListpeersResponse,
  NodeService,
  PluginResponse,
  SendcustommsgResponse,
} from '../../../lib/generated/cln/node.ts';
import { until } from '../../../lib/testing/until.ts';
import { LSP } from '../../client/samples.ts';
import { failure, type FakeNode, pem, serve, TLS } from './server.ts';

// The error paths of the adapter of Core Lightning, over gRPC, against a server of our own.

const ID = `02${'99'.repeat(32)}`;
const INFO = GetinfoResponse.fromPartial({
  id: fromHex(ID),
  version: 'v26.06.6',
  blockheight: 100,
  network: 'regtest',
});
const plugins = (...names: readonly string[]): PluginResponse => ({
  plugins: names.map((name) => ({ name, active: true })),
});

/** What a lightningd answers that is well. */
const WELL = {
  getinfo: () => INFO,
  listConfigs: () =>
    ListconfigsResponse.fromPartial({ configs: { watchtimeBlocks: { valueInt: 144 }, cltvFinal: { valueInt: 18 } } }),
  listPeers: (): ListpeersResponse => ({ peers: [{ id: fromHex(LSP), connected: true }] }),
  listPeerChannels: () => ListpeerchannelsResponse.fromPartial({}),
  connectPeer: () => ConnectResponse.fromPartial({}),
  sendCustomMsg: () => SendcustommsgResponse.fromPartial({}),
  listDatastore: () => ListdatastoreResponse.fromPartial({}),
  datastore: () => DatastoreResponse.fromPartial({ generation: 0n }),
  plugin: () => plugins('/opt/lsps2-cln-plugin', 'cln-grpc'),
};

const serveCln = (answers: Record<string, () => unknown> = {}, certificate = 'server') =>
  serve([NodeService], { answers: { ...WELL, ...answers }, mutual: true, certificate });

async function connect(at: FakeNode, change: object = {}, answerWithinMs?: number): Promise<Lightningd> {
  const given = { ...(await clnFiles({ address: at.address, folder: TLS })), ...change };
  const cln = await clnNode(given, answerWithinMs === undefined ? {} : { answerWithinMs });
  onTestFinished(() => cln.close());
  return cln;
}

const fails = async (job: Promise<unknown>): Promise<NodeError> => {
  const error = await job.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  expect(error).toMatchObject({ code: 'node' });
  expect(String(error)).not.toContain('PRIVATE KEY');
  return error as NodeError;
};

describe('connecting to a lightningd', () => {
  test('that is well, by its files and by a clngrpc URI', async () => {
    const at = await serveCln();
    expect(await connect(at)).toMatchObject({
      nodeId: ID,
      network: 'regtest',
      watchtimeBlocks: 144,
      cltvFinal: 18,
      synced: true,
    });
    const certs = Buffer.from(['client-key', 'client', 'ca'].map(pem).join('')).toString('base64');
    const uri = `clngrpc://${at.address}?pubkey=${ID}&protoPath=cln.proto&certs=${encodeURIComponent(certs)}`;
    const cln = await clnNode(uri);
    onTestFinished(() => cln.close());
    expect(await cln.height()).toBe(100);
  });

  const refusing = (words: string, code = status.UNKNOWN) =>
    serveCln({ getinfo: () => Promise.reject(failure(code, words)) });
  test.each([
    ['certificate', 'that has another certificate', () => serveCln({}, 'other'), {}],
    ['other', 'that says something else', () => refusing('Error calling method GetInfo'), {}],
    ['unsupported', 'that has no such call', () => refusing('unknown', status.UNIMPLEMENTED), {}],
    [
      'unsupported',
      'on a chain that nobody knows',
      () => serveCln({ getinfo: () => ({ ...INFO, network: 'liquid' }) }),
      {},
    ],
    [
      'other',
      'that does not say who it is',
      () => serveCln({ getinfo: () => ({ ...INFO, id: new Uint8Array(3) }) }),
      {},
    ],
  ])('%s: one %s', async (reason, _, make, change) => {
    expect((await fails(make().then((at) => connect(at, change)))).reason).toBe(reason);
  });

  test('a certificate of ours that it does not know', async () => {
    const at = await serveCln();
    const error = await fails(connect(at, { certificate: pem('other'), key: pem('other-key') }));
    expect(['certificate', 'unreachable']).toContain(error.reason);
  });

  test('unreachable: one that is not there', async () => {
    const at = await serveCln();
    at.stop();
    expect((await fails(connect(at))).reason).toBe('unreachable');
  });

  test('timeout: one that does not answer', async () => {
    const at = await serveCln({ getinfo: () => new Promise(() => undefined) });
    expect((await fails(connect(at, {}, 200))).reason).toBe('timeout');
  });

  test.each([
    ['is none', 'nothing'],
    ['is not of the form', 'https://h:1?certs=aa'],
    ['has no certs', 'clngrpc://h:1'],
    ['has certs that are not a key and two certificates', `clngrpc://h:1?certs=${btoa('secret')}`],
  ])('a clngrpc URI that %s', (what, uri) => {
    expect(() => readClngrpc(uri)).toThrow(what);
    expect(() => readClngrpc(uri)).not.toThrow('secret');
  });

  test('files that are not there are named', async () => {
    await expect(clnFiles({ address: 'h:1', folder: '/nowhere' })).rejects.toThrow('/nowhere/ca.pem cannot be read');
  });
});

describe('a wallet on a lightningd', () => {
  const wallet = async (at: FakeNode) => {
    const cln = await connect(at);
    const store = clnStore(cln);
    onTestFinished(() => store.close());
    return clnWallet(cln, { store });
  };

  test.each([
    ['none of ours', ['cln-grpc']],
    ['one whose name only ends so', ['/opt/not-lsps2-cln-plugin']],
  ])('that runs %s: said before anything is bought', async (_, names) => {
    const error = await fails(serveCln({ plugin: () => plugins(...names) }).then(wallet));
    expect(error).toMatchObject({ reason: 'unsupported', message: expect.stringContaining('lsps2-cln-plugin') });
  });

  test('whose stream is cut: its peers are gone until it is back, and messages are heard again', async () => {
    const at = await serveCln();
    const node = await wallet(at);
    expect(node.isConnected(LSP)).toBe(true);
    const told: string[] = [];
    node.onDisconnected(() => told.push('gone'));
    node.onConnected(() => told.push('there'));
    node.onMessage((from, type, payload) => told.push(`${from === LSP} ${type} ${payload.length}`));
    at.streams['subscribeCustomMsg']!.at(-1)!.end();
    await until(() => told.length === 1, 'the cut');
    await expect(node.send(LSP, 37_913, new Uint8Array(1))).rejects.toBeInstanceOf(TransportError);
    await until(() => told.length === 2, 'the next stream');
    const payload = Uint8Array.of(37_913 >> 8, 37_913 & 0xff, 1, 2, 3);
    at.streams['subscribeCustomMsg']!.at(-1)!.write(
      CustomMsgNotification.fromPartial({ peerId: fromHex(LSP), payload }),
    );
    await until(() => told.length === 3, 'a message');
    expect(told).toEqual(['gone', 'there', 'true 37913 3']);
  });

  test('that was restarted: its peers are there again, and so is everything else', async () => {
    const at = await serveCln();
    const node = await wallet(at);
    at.stop();
    await until(() => !node.isConnected(LSP), 'the end');
    await at.start();
    await until(() => node.isConnected(LSP), 'its peers again');
    expect(await node.channels()).toEqual([]);
  });

  test('that is restarted while a payment is on its way (stock): told once, as its books have it', async () => {
    const payments: string[] = [];
    const bolt11 = 'lnbcrt1';
    const at = await serveCln({
      plugin: () => plugins('/opt/cln-lsps-client'),
      createInvoice: () => ({ bolt11 }),
      signInvoice: () => ({ bolt11 }),
      delDatastore: () => ({}),
      listInvoices: () => ({ invoices: [{ status: InvoiceStatus.UNPAID }] }),
    });
    const node = await clnStockWallet(await connect(at), { store: memoryStore() });
    onTestFinished(() => node.close());
    node.guard({
      partsClaimed: async ({ received, extraFee }: { received: bigint; extraFee: bigint }) =>
        void payments.push(`${received} ${extraFee}`),
    } as unknown as Gates);
    const bought = { lsp: nodeId(LSP), scid: scid(7n), trust: 'client-trusts-lsp', leastNet: msat(99_000n) } as const;
    const ask = { amount: msat(100_000n), expirySeconds: 600, minFinalCltvExpiryDelta: 18, bought };
    const { paymentHash } = await node.newPayment(ask);
    const text = { message: new Uint8Array(), hash: new Uint8Array(), text: bolt11, description: 'x' };
    await node.sign({ ...text, paymentHash, textWith: () => bolt11 });
    at.stop();
    await until(() => !node.isConnected(LSP), 'the end');
    const amountReceivedMsat = { msat: 99_000n };
    at.answers['listInvoices'] = () => ({ invoices: [{ status: InvoiceStatus.PAID, amountReceivedMsat }] });
    await at.start();
    await until(() => payments.length === 1, 'the payment');
    // Its books are looked at every second.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(payments).toEqual(['99000 1000']);
  });

  test('a message that is none is not passed on, and ends nothing', async () => {
    const at = await serveCln();
    const node = await wallet(at);
    const told: number[] = [];
    node.onMessage((_, type) => told.push(type));
    const stream = at.streams['subscribeCustomMsg']!.at(-1)!;
    stream.write(CustomMsgNotification.fromPartial({ peerId: fromHex(LSP), payload: Uint8Array.of(1) }));
    stream.write(CustomMsgNotification.fromPartial({ peerId: new Uint8Array(3), payload: Uint8Array.of(1, 2) }));
    stream.write(CustomMsgNotification.fromPartial({ peerId: fromHex(LSP), payload: Uint8Array.of(0x94, 0x19) }));
    await until(() => told.length === 1, 'the message');
    expect(told).toEqual([37_913]);
  });

  test('what lightningd could not do at a peer is the peer’s', async () => {
    const words = 'Error calling method Connect: RpcError { code: Some(401), message: "Connection refused" }';
    const at = await serveCln({ connectPeer: () => Promise.reject(failure(status.UNKNOWN, words)) });
    const node = await wallet(at);
    const other = parseUri(`03${'22'.repeat(32)}@127.0.0.1:1`);
    await expect(node.connect(other)).rejects.toMatchObject({ code: 'transport', reason: 'offline' });
  });
});
