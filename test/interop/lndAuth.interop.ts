import { client, NodeError, sat } from 'lsps2';
import { LND_PERMISSIONS, lndFiles, lndNode, lndWallet, type LndCredentials } from 'lsps2/lnd';
import { memoryStore } from 'lsps2/memory';
import { network, type TestNetwork } from 'lsps2/testing';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type Bitcoind, findBitcoind, startBitcoind } from '../bitcoind/bitcoind.ts';
import { findLnd, type LndNode, startLnd } from './lndNode.ts';
import { whatIsMissing } from './say.ts';

// E: what the credentials may do, and what is said when they may not.

// Runs in `.ci/run`, which builds an lnd; a newcomer's machine may have none, and `whatIsMissing` has printed that.
describe.skipIf(whatIsMissing('lnd') !== undefined)('credentials for lnd', () => {
  let bitcoind: Bitcoind;
  let net: TestNetwork;
  let lnd: LndNode;
  beforeAll(async () => {
    bitcoind = await startBitcoind(findBitcoind()!);
    net = await network({ bitcoind: bitcoind.url });
    lnd = await startLnd(findLnd()!, { bitcoind: bitcoind.url });
  });
  afterAll(async () => {
    await lnd?.stop();
    await net?.close();
    await bitcoind?.stop();
  });

  const bake = async (permissions: readonly string[]): Promise<LndCredentials> => {
    return { ...lnd.credentials, macaroon: await lnd.cli('bakemacaroon', ...permissions) };
  };

  /** Everything, from the connection to the payment, and all that was logged. */
  async function bePaid(credentials: LndCredentials, log: string[] = []) {
    const write = (entry: unknown) =>
      void log.push(JSON.stringify(entry, (_, v) => (typeof v === 'bigint' ? `${v}` : v)));
    const node = await lndNode(credentials, { log: write });
    onTestFinished(() => node.close());
    const store = memoryStore();
    const wallet = await lndWallet(node, { store });
    onTestFinished(() => wallet.close());
    const limits = { maxFee: sat(10_000n) };
    const jit = await client({ node: wallet, store, lsps: [net.lsp.uri], limits, log: write });
    onTestFinished(() => jit.close());
    const { best, all } = await jit.quotes({ amount: sat(100_000n) });
    if (!best) throw (all[0] as { error: unknown }).error;
    const purchase = await jit.buy(best, { description: 'least privilege' });
    expect(await net.payer.pay(purchase.invoice)).toMatchObject({ paid: true });
    return purchase.outcome();
  }

  test('the least macaroon does all that is needed', async () => {
    expect(await bePaid(await bake(LND_PERMISSIONS))).toMatchObject({ tag: 'paid', received: sat(99_000n) });
  });

  // These two are needed only where the peer is not connected yet, which it is from here on.
  test.each(LND_PERMISSIONS.filter((each) => !each.endsWith('/ConnectPeer')))(
    'without %s: says which call is not permitted, and buys nothing',
    async (missing) => {
      const before = net.lsp.purchases().length;
      const log: string[] = [];
      const credentials = await bake(LND_PERMISSIONS.filter((each) => each !== missing));
      const error: unknown = await bePaid(credentials, log).catch((cause: unknown) => cause);
      expect(error).toBeInstanceOf(NodeError);
      expect(error).toMatchObject({ code: 'node', reason: 'permission' });
      expect(String(error)).toContain(missing.split('/').at(-1));
      expect(net.lsp.purchases().length).toBe(before);
      expectNoSecret(credentials, [...log, String(error), JSON.stringify(error), (error as Error).stack ?? '']);
    },
  );

  test.each([
    [
      'another macaroon',
      () => ({ ...lnd.credentials, macaroon: `${lnd.credentials.macaroon.slice(0, -8)}deadbeef` }),
      'permission',
    ],
    ['no macaroon at all', () => ({ ...lnd.credentials, macaroon: '00' }), 'permission'],
    ['another port', () => ({ ...lnd.credentials, address: '127.0.0.1:1' }), 'unreachable'],
    ['no certificate', () => ({ address: lnd.credentials.address, macaroon: lnd.credentials.macaroon }), 'certificate'],
  ])('%s', async (_, credentials, reason) => {
    const error: unknown = await lndNode(credentials()).catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: 'node', reason });
    expectNoSecret(credentials(), [String(error), JSON.stringify(error)]);
  });

  test('a node without a wallet, or a locked one, says so', async () => {
    const locked = await startLnd(findLnd()!, { bitcoind: bitcoind.url, locked: true });
    onTestFinished(() => locked.stop());
    const error: unknown = await lndNode({ ...locked.credentials, macaroon: '00' }).catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: 'node', reason: 'locked' });
  });

  test('lndconnect:// is the same', async () => {
    const { address, certificate = '', macaroon } = lnd.credentials;
    const cert = certificate
      .replace(/-----[A-Z ]+-----|\s/g, '')
      .replaceAll('+', '-')
      .replaceAll('/', '_');
    const uri = `lndconnect://${address}?cert=${cert}&macaroon=${Buffer.from(macaroon, 'hex').toString('base64url')}`;
    const node = await lndNode(uri);
    expect(node).toMatchObject({ network: 'regtest', zeroConf: true });
    node.close();
  });

  test('a node that lets in no zero-conf channel is told apart before anything is bought', async () => {
    const plain = await startLnd(findLnd()!, { bitcoind: bitcoind.url, zeroConf: false });
    onTestFinished(() => plain.stop());
    const node = await lndNode(plain.credentials);
    onTestFinished(() => node.close());
    await expect(lndWallet(node, { store: memoryStore() })).rejects.toMatchObject({
      reason: 'unsupported',
      message: expect.stringContaining('protocol.zero-conf=true'),
    });
  });

  test('files that are not there are named', async () => {
    const files = {
      address: lnd.credentials.address,
      certificateFile: '/nowhere/tls.cert',
      macaroonFile: '/nowhere/m',
    };
    await expect(lndFiles(files)).rejects.toThrow('/nowhere/tls.cert cannot be read');
  });

  function expectNoSecret({ macaroon }: LndCredentials, texts: readonly string[]): void {
    const raw = Buffer.from(macaroon, 'hex');
    const forms = [macaroon, raw.toString('base64'), raw.toString('base64url')].map((form) => form.slice(0, 24));
    if (macaroon.length < 24) return;
    for (const text of texts) for (const form of forms) expect(text).not.toContain(form);
  }
});
