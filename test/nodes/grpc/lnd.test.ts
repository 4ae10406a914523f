import { status } from '@grpc/grpc-js';
import { type Gates, msat, type NodeError, type PartsAnswer, type ReadyChannel, TransportError } from 'lsps2';
import { type Lnd, lndNode, type LndWallet, lndWallet } from 'lsps2/lnd';
import { memoryStore } from 'lsps2/memory';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  AddInvoiceResponse,
  Channel,
  ChannelAcceptRequest,
  ChannelCloseSummary,
  ChannelEdge,
  ConnectPeerResponse,
  CustomMessage,
  GetInfoResponse,
  LightningService,
  ListChannelsResponse,
  ListPeersResponse,
  PendingChannelsResponse,
  SendCustomMessageResponse,
} from '../../../lib/generated/lnd/lightning.ts';
import { ResolveHoldForwardAction, RouterService } from '../../../lib/generated/lnd/router.ts';
import { fromHex } from '../../../lib/core/bytes.ts';
import { until } from '../../../lib/testing/until.ts';
import { LSP } from '../../client/samples.ts';
import { manualClock } from '../../manualClock.ts';
import { HEIGHT, KEY, shown } from '../lnd/intercepted.ts';
import { failure, type FakeNode, pem, serve } from './server.ts';

// The error paths of the adapter of lnd, over gRPC, against a server of our own.

const ID = `02${'99'.repeat(32)}`;
const MACAROON = '0201036c6e64';
const FEATURES = new Map([46, 50].map((bit) => [bit, { name: '', isRequired: false, isKnown: true }]));
const INFO: GetInfoResponse = {
  ...GetInfoResponse.fromPartial({}),
  version: '0.21.2-beta',
  identityPubkey: ID,
  blockHeight: 100,
  syncedToChain: true,
  chains: [{ network: 'regtest' }],
  features: FEATURES,
  requireHtlcInterceptor: true,
};

/** What an lnd answers that is well. */
const WELL = {
  getInfo: () => INFO,
  listPeers: (): ListPeersResponse => ({ peers: [{ pubKey: LSP, features: new Map() }] }),
  listChannels: () => ListChannelsResponse.fromPartial({}),
  pendingChannels: () => PendingChannelsResponse.fromPartial({}),
  getChanInfo: () => ChannelEdge.fromPartial({}),
  connectPeer: () => ConnectPeerResponse.fromPartial({}),
  addInvoice: () => AddInvoiceResponse.fromPartial({}),
  sendCustomMessage: () => SendCustomMessageResponse.fromPartial({}),
};

const serveLnd = (answers: Partial<typeof WELL> | Record<string, () => unknown> = {}, certificate?: string) =>
  serve([LightningService, RouterService], {
    answers: { ...WELL, ...answers },
    ...(certificate === undefined ? {} : { certificate }),
  });

async function connect(at: FakeNode, certificate = 'ca', answerWithinMs?: number): Promise<Lnd> {
  const given = { address: at.address, certificate: pem(certificate), macaroon: MACAROON };
  const lnd = await lndNode(given, answerWithinMs === undefined ? {} : { answerWithinMs });
  onTestFinished(() => lnd.close());
  return lnd;
}

async function start(at: FakeNode, more: Partial<Parameters<typeof lndWallet>[1]> = {}): Promise<LndWallet> {
  const wallet = await lndWallet(await connect(at), { store: memoryStore(), ...more });
  onTestFinished(() => wallet.close());
  return wallet;
}

const fails = async (job: Promise<unknown>): Promise<NodeError> => {
  const error = await job.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  expect(error).toMatchObject({ code: 'node' });
  expect(String(error)).not.toContain(MACAROON);
  return error as NodeError;
};

describe('connecting to an lnd', () => {
  test('that is well', async () => {
    const lnd = await connect(await serveLnd());
    expect(lnd).toMatchObject({ nodeId: ID, network: 'regtest', zeroConf: true, requiresInterceptor: true });
    expect(await lnd.height()).toBe(100);
  });

  test.each([
    ['certificate', 'that has another certificate', () => serveLnd({}, 'other')],
    ['permission', 'whose macaroon is too small', () => refusing('permission denied')],
    ['permission', 'that does not know the macaroon', () => refusing('verification failed: signature mismatch')],
    ['locked', 'that is locked', () => refusing('wallet locked, unlock it to enable full RPC access')],
    ['starting', 'that is starting', () => refusing('the RPC server is in the process of starting up')],
    ['other', 'that says something else', () => refusing('out of cheese')],
    ['unsupported', 'that has no such call', () => refusing('unknown method GetInfo', status.UNIMPLEMENTED)],
    ['unsupported', 'on a chain that nobody knows', () => serveLnd({ getInfo: () => ({ ...INFO, chains: [] }) })],
    ['other', 'that does not say who it is', () => serveLnd({ getInfo: () => ({ ...INFO, identityPubkey: 'me' }) })],
  ])('%s: one %s', async (reason, _, make) => {
    expect((await fails(make().then((at) => connect(at)))).reason).toBe(reason);
  });
  const refusing = (words: string, code = status.UNKNOWN) =>
    serveLnd({ getInfo: () => Promise.reject(failure(code, words)) });

  test('unreachable: one that is not there', async () => {
    const at = await serveLnd();
    at.stop();
    expect((await fails(connect(at))).reason).toBe('unreachable');
  });

  test('timeout: one that does not answer', async () => {
    const at = await serveLnd({ getInfo: () => new Promise(() => undefined) });
    expect((await fails(connect(at, 'ca', 200))).reason).toBe('timeout');
  });
});

describe('a wallet on an lnd', () => {
  test('that lets no zero-conf channel in: said before anything is bought', async () => {
    const at = await serveLnd({ getInfo: () => ({ ...INFO, features: new Map() }) });
    expect(await fails(start(at))).toMatchObject({
      reason: 'unsupported',
      message: expect.stringContaining('protocol.zero-conf'),
    });
  });

  const denied = failure(status.UNKNOWN, 'permission denied');
  test.each(['listChannels', 'pendingChannels', 'getChanInfo', 'addInvoice'])(
    'whose macaroon may not %s: named',
    async (name) => {
      const at = await serveLnd({ [name]: () => Promise.reject(denied) });
      const error = await fails(start(at));
      expect(error.reason).toBe('permission');
      expect(error.message.toLowerCase()).toContain(name.toLowerCase());
    },
  );
  test.each([
    'subscribePeerEvents',
    'subscribeCustomMessages',
    'subscribeChannelEvents',
    'htlcInterceptor',
    'channelAcceptor',
  ])('whose macaroon may not %s: named', async (name) => {
    const at = await serveLnd();
    at.refused[name] = denied;
    const error = await fails(start(at));
    expect(error.reason).toBe('permission');
    expect(error.message.toLowerCase()).toContain(name.toLowerCase());
  });

  test('whose streams are cut: its peers are gone until it is back, and messages are heard again', async () => {
    const at = await serveLnd();
    const wallet = await start(at);
    await until(() => wallet.isConnected(LSP), 'the list of peers');
    const told: string[] = [];
    wallet.onDisconnected(() => told.push('gone'));
    wallet.onConnected(() => told.push('there'));
    wallet.onMessage((from, type, payload) => told.push(`${from === LSP} ${type} ${payload.length}`));
    at.streams['subscribeCustomMessages']!.at(-1)!.end();
    await until(() => told.length === 1, 'the cut');
    await expect(wallet.send(LSP, 37_913, new Uint8Array(1))).rejects.toBeInstanceOf(TransportError);
    await until(() => told.length === 2, 'the next stream');
    const message = CustomMessage.fromPartial({ peer: fromHex(LSP), type: 37_913, data: new Uint8Array(3) });
    at.streams['subscribeCustomMessages']!.at(-1)!.write(message);
    await until(() => told.length === 3, 'a message');
    expect(told).toEqual(['gone', 'there', 'true 37913 3']);
    await wallet.send(LSP, 37_913, new Uint8Array(1));
  });

  test('that was restarted: everything is taken up again', async () => {
    const at = await serveLnd();
    const wallet = await start(at);
    await until(() => wallet.isConnected(LSP), 'the list of peers');
    const interceptors = at.streams['htlcInterceptor']!.length;
    at.stop();
    await until(() => !wallet.isConnected(LSP), 'the end');
    await at.start();
    await until(() => wallet.isConnected(LSP), 'its peers again');
    await until(() => at.streams['htlcInterceptor']!.length > interceptors, 'the interceptor');
    expect(await wallet.channels()).toEqual([]);
  });

  test.each([
    ['lets go what it holds: the gates hear of it, and are asked again', false],
    ['keeps what it holds: it is asked about once', true],
  ])('that is restarted mid-payment, and %s; it is settled once', async (_, requireHtlcInterceptor) => {
    const at = await serveLnd({ getInfo: () => ({ ...INFO, blockHeight: HEIGHT, requireHtlcInterceptor }) });
    const wallet = await start(at, { random: (length) => KEY.slice(0, length) });
    const answers: ((answer: PartsAnswer) => void)[] = [];
    const gone: string[] = [];
    wallet.guard({
      partsArrived: () => new Promise<PartsAnswer>((resolve) => answers.push(resolve)),
      partsGone: async ({ paymentHash }: { paymentHash: string }) => void gone.push(paymentHash),
    } as unknown as Gates);
    const ask = { amount: msat(100_000n), expirySeconds: 600, minFinalCltvExpiryDelta: 18 };
    const { paymentHash, paymentSecret } = await wallet.newPayment(ask);
    const scid = wallet.phantom!.hop.scid;
    const held = shown({ hash: paymentHash, secret: paymentSecret }, { outgoingRequestedChanId: scid });
    const streams = () => at.streams['htlcInterceptor'] ?? [];
    await until(() => streams().length === 1, 'the interceptor');
    streams()[0]!.write(held);
    await until(() => answers.length === 1, 'the gates to be asked');
    at.stop();
    await until(() => !wallet.isConnected(LSP), 'the end');
    // Of a set that was let go it comes too late.
    if (!requireHtlcInterceptor) answers[0]!('claim');
    await at.start();
    await until(() => streams().length === 2, 'the interceptor again');
    streams()[1]!.write(held);
    // What comes after it is answered after it: of a payment that nobody knows.
    const unknown = { outgoingRequestedChanId: scid, incomingCircuitKey: { chanId: 7n, htlcId: 2n } };
    streams()[1]!.write(shown({ hash: 'cc'.repeat(32) }, unknown));
    await until(() => at.heard.length === 1, 'the refusal');
    if (!requireHtlcInterceptor) await until(() => answers.length === 2, 'the gates to be asked again');
    answers.at(-1)!('claim');
    await until(() => at.heard.length === 2, 'the answer');
    const settled = { action: ResolveHoldForwardAction.SETTLE, preimage: Buffer.from(KEY) };
    const expected = [unknown.incomingCircuitKey, held.incomingCircuitKey].map((incomingCircuitKey, i) => [
      'htlcInterceptor',
      { incomingCircuitKey, ...(i === 0 ? { action: ResolveHoldForwardAction.FAIL } : settled) },
    ]);
    expect(at.heard).toMatchObject(expected);
    expect(answers.length).toBe(requireHtlcInterceptor ? 1 : 2);
    expect(gone).toEqual(requireHtlcInterceptor ? [] : [paymentHash]);
  });

  test('of whose channel both the list and the stream tell: it is ready once, and once more for a client that starts', async () => {
    const at = await serveLnd();
    const wallet = await start(at);
    const ready: ReadyChannel[] = [];
    const offers: string[] = [];
    const closed: string[] = [];
    wallet.guard({
      channelOffered: async ({ offerId }: { offerId: string }) => (
        offers.push(offerId), { accept: true, minimumDepth: 0 }
      ),
      channelReady: async (channel: ReadyChannel) => void ready.push(channel),
      channelClosed: async ({ offerId }: { offerId: string }) => void closed.push(offerId),
    } as unknown as Gates);
    const offered = {
      nodePubkey: fromHex(LSP),
      fundingAmt: 200_000n,
      wantsScidAlias: true,
      pendingChanId: fromHex('aa'),
    };
    at.streams['channelAcceptor']!.at(-1)!.write(ChannelAcceptRequest.fromPartial(offered));
    await until(() => at.heard.length === 1, 'the answer');
    const channelPoint = `${'ab'.repeat(32)}:0`;
    const channel = Channel.fromPartial({ channelPoint, remotePubkey: LSP, capacity: 200_000n, zeroConf: true });
    at.answers['listChannels'] = () => ({ channels: [channel] });
    // It is looked for when the stream stands, and every two seconds.
    await until(() => ready.length > 0, 'the list to be looked at');
    await wallet.resume({ offers: offers.map((offerId) => ({ offerId, paid: false })), claiming: [] });
    const events = at.streams['subscribeChannelEvents']!.at(-1)!;
    for (let i = 0; i < 2; i++) events.write({ type: 0, channel: { $case: 'openChannel', value: channel } });
    // Its end is told after them.
    const closing = ChannelCloseSummary.fromPartial({ channelPoint });
    events.write({ type: 1, channel: { $case: 'closedChannel', value: closing } });
    await until(() => closed.length === 1, 'its end');
    expect(ready).toEqual([ready[0], ready[0]]);
  });

  test('whose peer funds late, while lnd still would: the channel is the one that was let in', async () => {
    const at = await serveLnd();
    const clock = manualClock();
    const wallet = await start(at, { clock });
    const told: string[] = [];
    wallet.guard({
      channelOffered: async () => ({ accept: true, minimumDepth: 0 }),
      channelReady: async () => void told.push('ready'),
      channelGone: async () => void told.push('gone'),
    } as unknown as Gates);
    const offered = { nodePubkey: fromHex(LSP), fundingAmt: 200_000n, wantsScidAlias: true };
    const offers = at.streams['channelAcceptor']!.at(-1)!;
    offers.write(ChannelAcceptRequest.fromPartial(offered));
    await until(() => at.heard.length === 1, 'the answer');
    const pass = async (ms: number) => {
      await clock.pass(ms);
      await new Promise((resolve) => setTimeout(resolve, 100));
    };
    // lnd forgets a negotiation after ten minutes.
    await pass(599_000);
    await pass(2_000);
    expect(told).toEqual([]);
    const funded = { channelPoint: `${'ab'.repeat(32)}:0`, remotePubkey: LSP, capacity: 200_000n, zeroConf: true };
    at.answers['listChannels'] = () => ({ channels: [Channel.fromPartial(funded)] });
    await pass(2_000);
    expect(told).toEqual(['ready']);
    offers.write(ChannelAcceptRequest.fromPartial({ ...offered, fundingAmt: 300_000n }));
    await until(() => at.heard.length === 2, 'the next answer');
    await pass(661_000);
    await pass(2_000);
    expect(told).toEqual(['ready', 'gone']);
  });

  test('that takes in a block is waited for; one that is behind is said to be', async () => {
    const at = await serveLnd();
    const clock = manualClock();
    const wallet = await start(at, { clock });
    const payment = { amount: msat(1_000n), paymentHash: undefined };
    let asked = 0;
    at.answers['getInfo'] = () => ({ ...INFO, syncedToChain: ++asked > 3 });
    const ready = wallet.checkReady!(payment);
    const passing = setInterval(() => void clock.pass(250), 20);
    onTestFinished(() => clearInterval(passing));
    await ready;
    expect(asked).toBeGreaterThan(3);
    at.answers['getInfo'] = () => ({ ...INFO, syncedToChain: false });
    expect(await fails(wallet.checkReady!(payment))).toMatchObject({ reason: 'starting' });
  });

  test('whose peer opens another channel at once, as a larger one: the first has come to nothing', async () => {
    const at = await serveLnd();
    const wallet = await start(at);
    const told: string[] = [];
    wallet.guard({
      channelOffered: async ({ capacity }: { capacity: bigint }) => {
        told.push(`offered ${capacity}`);
        return { accept: true, minimumDepth: 0 };
      },
      channelGone: async () => void told.push('gone'),
    } as unknown as Gates);
    const offers = at.streams['channelAcceptor']!.at(-1)!;
    for (const fundingAmt of [200_000n, 300_000n]) {
      offers.write(ChannelAcceptRequest.fromPartial({ nodePubkey: fromHex(LSP), fundingAmt, wantsScidAlias: true }));
      await until(() => told.includes(`offered ${fundingAmt}`), 'the offer');
    }
    expect(told).toEqual(['offered 200000', 'gone', 'offered 300000']);
  });

  test('that was started again without zero-conf, or whose streams another program has: nothing is bought', async () => {
    const at = await serveLnd();
    const wallet = await start(at);
    const payment = { amount: msat(1_000n), paymentHash: undefined };
    await wallet.checkReady!(payment);
    at.answers['getInfo'] = () => ({ ...INFO, features: new Map() });
    expect(await fails(wallet.checkReady!(payment))).toMatchObject({ reason: 'unsupported' });
    at.answers['getInfo'] = () => INFO;
    await wallet.checkReady!(payment);
    at.refused['htlcInterceptor'] = failure(status.UNKNOWN, 'interceptor already exists');
    at.streams['htlcInterceptor']!.at(-1)!.end();
    await until(async () => (await wallet.checkReady!(payment).catch(() => 'no')) === 'no', 'it to be said');
    expect((await fails(wallet.checkReady!(payment))).message).toContain('HtlcInterceptor');
  });

  test('what is not for us goes on at once, untouched', async () => {
    const at = await serveLnd();
    const wallet = await start(at);
    const asked: PartsAnswer[] = [];
    wallet.guard({ partsArrived: async () => (asked.push('fail'), 'fail') } as unknown as Gates);
    await until(() => at.streams['htlcInterceptor'] !== undefined, 'the interceptor');
    const other = {
      incomingCircuitKey: { chanId: 1n, htlcId: 2n },
      paymentHash: new Uint8Array(32),
      outgoingAmountMsat: 1n,
      outgoingExpiry: 140,
      incomingAmountMsat: 1n,
      incomingExpiry: 180,
      outgoingRequestedChanId: 3n,
      onionBlob: new Uint8Array(1366),
      autoFailHeight: 160,
      inWireCustomRecords: new Map(),
    };
    at.streams['htlcInterceptor']!.at(-1)!.write(other);
    await until(() => at.heard.length === 1, 'the answer');
    expect(at.heard[0]).toMatchObject([
      'htlcInterceptor',
      { incomingCircuitKey: { chanId: 1n, htlcId: 2n }, action: 2 },
    ]);
    expect(asked).toEqual([]);
  });
});
