import { asker, client, type Msat, msat, parseUri, type Purchase, sat, type Trust } from 'lsps2';
import { type LdkNode, ldkNode, ldkWallet } from 'lsps2/ldk';
import { memoryStore } from 'lsps2/memory';
import { peers, tcp } from 'lsps2/tcp';
import { bitcoindChain } from 'lsps2/testing';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { toHex } from '../../lib/core/bytes.ts';
import { nodeId } from '../../lib/core/ids.ts';
import { rpcClient } from '../../lib/testing/chain/rpc.ts';
import { until } from '../../lib/testing/until.ts';
import { findBitcoind } from '../bitcoind/bitcoind.ts';
import { call } from '../crash/buyByHand.ts';
import { findLdkPeer, type LdkPeer } from './ldkPeer.ts';
import { type Regtest, regtest } from './regtest.ts';
import { say, whatIsMissing } from './say.ts';

// Our wallet buys from LDK's LSP, and LDK's payer pays through it: three nodes, one of them ours.

const SELLS = {
  fee_ppm: 10_000,
  min_fee_msat: 1_000_000,
  over_provisioning_ppm: 100_000,
  min_payment_size_msat: 2_000_000,
  max_payment_size_msat: 4_000_000_000,
};
/** What one part carries at most: a larger payment comes in several. */
const PAYER_CHANNELS_SAT = [1_900_000, 1_900_000, 1_900_000, 1_900_000];

const TRUSTS: readonly Trust[] = ['lsp-trusts-client', 'client-trusts-lsp'];

// Runs in `.ci/run`, which installs a bitcoind and builds ldk-peer; a newcomer's machine may have none, and `run.sh` has printed that.
describe.skipIf(whatIsMissing() !== undefined)('our wallet, LDK’s LSP, LDK’s payer', () => {
  let net: Regtest;
  let payer: LdkPeer;
  const lsps = new Map<Trust, LdkPeer>();

  beforeAll(async () => {
    net = await regtest(findBitcoind()!, findLdkPeer()!);
    payer = await net.peer({}, 5);
    for (const trust of TRUSTS) {
      const lsp = await net.peer({ lsp: { ...SELLS, client_trusts_lsp: trust === 'client-trusts-lsp' } });
      await net.open(payer, lsp, PAYER_CHANNELS_SAT);
      lsps.set(trust, lsp);
      say(`LDK’s LSP (${trust}) is up, with ${PAYER_CHANNELS_SAT.length} channels of LDK’s payer`);
    }
  }, 600_000);
  afterAll(() => net?.stop(), 60_000);

  /** A wallet that was never there before. */
  async function wallet(uri: string) {
    const chain = await bitcoindChain(net.url, { follow: true });
    const node = await ldkNode({ role: 'wallet', chain });
    const jit = await client({
      node: await ldkWallet(node),
      store: memoryStore(),
      lsps: [uri],
      limits: { maxFee: sat(100_000n) },
    });
    onTestFinished(async () => {
      await jit.close();
      await node.stop();
      await chain.close();
    });
    return { jit, node };
  }

  async function buy(trust: Trust, amount: Msat | 'any') {
    const lsp = lsps.get(trust)!;
    const { jit, node } = await wallet(lsp.uri);
    const { best, all } = amount === 'any' ? await jit.quotes({ amount }) : await jit.quotes({ amount });
    if (!best) throw new Error('no quote', { cause: all });
    const purchase = await jit.buy(best, { description: 'interop' });
    expect(purchase.trust).toBe(trust);
    return { jit, node, lsp, purchase, quote: best };
  }

  /** LDK decides in how many parts: as few as its channels allow. */
  const pay = (purchase: Purchase, amount: Msat) =>
    payer.run<string>('pay', {
      invoice: purchase.invoice,
      ...(purchase.paymentSize === undefined ? { amount_msat: Number(amount) } : {}),
    });

  /** What an LSP says that it forwarded since then: to us, and what it took out. */
  function forwarded(lsp: LdkPeer, since: number) {
    const told = lsp.events.slice(since).filter(({ event }) => event === 'forwarded');
    const sum = (field: string) => told.reduce((total, each) => total + BigInt(each[field] ?? 0), 0n);
    return { parts: told.length, amount: sum('amount_msat'), skimmed: sum('skimmed_msat') };
  }

  /** Whether the transaction that funds the wallet's channel was seen by bitcoind. */
  async function isFunded(node: LdkNode): Promise<boolean> {
    const [channel] = node.manager.list_channels();
    const id = toHex(channel!.get_funding_txo().get_txid().slice().reverse());
    const rpc = rpcClient(net.url);
    const mempool = await rpc.call<string[]>('getrawmempool');
    const output = await rpc.call('gettxout', id, channel!.get_funding_txo().get_index());
    return mempool.includes(id) || output !== null;
  }

  const paid: [what: string, amount: Msat, variable: boolean, fee: Msat][] = [
    ['a fixed amount in one part', sat(250_000n), false, sat(2_500n)],
    ['a fixed amount with a fee that is rounded up', msat(250_000_001n), false, msat(2_500_001n)],
    ['a small fixed amount', sat(50_000n), false, sat(1_000n)],
    ['a large fixed amount', sat(1_500_000n), false, sat(15_000n)],
    ['a variable amount', sat(250_000n), true, sat(2_500n)],
    ['a variable amount below which the minimum fee holds', sat(50_000n), true, sat(1_000n)],
  ];
  // ldk-node spends a coin twice when it is asked for two channels before it has seen the first one's funding.
  afterEach(async () => {
    await net.mine(1);
    for (const lsp of lsps.values()) await lsp.run('sync');
  });

  const cases = TRUSTS.flatMap((trust) => paid.map((row) => [trust, ...row] as const));

  async function expectPaid(
    trust: Trust,
    o: { what: string; amount: Msat; variable: boolean; fee: Msat; parts: number },
  ) {
    const { what, amount, variable, fee } = o;
    const { lsp, purchase, node } = await buy(trust, variable ? 'any' : amount);
    const [before, since] = [await payer.ours(), lsp.events.length];
    await pay(purchase, amount);
    expect(await purchase.outcome()).toEqual({ tag: 'paid', gross: amount, fee, received: msat(amount - fee) });
    expect(await payer.told('paid', (told) => told['hash'] === purchase.paymentHash)).toMatchObject({ fee_msat: '0' });
    await until(async () => before - (await payer.ours()) === amount, 'the payer’s books');
    await until(
      () => forwarded(lsp, since).parts === o.parts,
      () => `the LSP’s books: ${JSON.stringify(lsp.events.slice(since))}`,
    );
    expect(forwarded(lsp, since)).toEqual({ parts: o.parts, amount: amount - fee, skimmed: fee });
    say(`${trust}: ${what}: payer -${amount}, wallet +${amount - fee}, LSP +${fee} msat`);
    return { node };
  }

  // Larger than any channel of the payer: two parts.
  const IN_PARTS = {
    what: 'a fixed amount in two parts',
    amount: sat(3_300_000n),
    variable: false,
    fee: sat(33_000n),
    parts: 2,
  };

  test('lsp-trusts-client: a fixed amount in two parts is paid', async () => {
    const { node } = await expectPaid('lsp-trusts-client', IN_PARTS);
    expect(await isFunded(node)).toBe(true);
  });

  // A known fault of lightning-liquidity 0.2: it compares the fee of each part with the whole opening fee, so that with two parts it
  // never learns that it was paid, and never broadcasts the funding that it withheld.
  test('known fault, client-trusts-lsp: in two parts the wallet is paid, and LDK’s LSP never funds the channel', async () => {
    const { node } = await expectPaid('client-trusts-lsp', IN_PARTS);
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    await net.mine(1);
    expect(await isFunded(node)).toBe(false);
    say('client-trusts-lsp: two parts: paid, and never funded (known fault of LDK’s LSP)');
  });

  test.each(cases)('%s: %s is paid', async (trust, what, amount, variable, fee) => {
    const { node } = await expectPaid(trust, { what, amount, variable, fee, parts: 1 });
    await until(() => isFunded(node), 'the funding transaction to be seen');
  });

  describe('what LDK’s LSP answers, to a key that is nobody’s', () => {
    function stranger() {
      const here = peers({ transports: [tcp()], network: 'regtest' });
      onTestFinished(() => here.close());
      return here;
    }
    type Params = Record<string, unknown>;
    async function menu(here: ReturnType<typeof stranger>, lsp: LdkPeer): Promise<Params> {
      await here.connect(parseUri(lsp.uri));
      const info = (await call(here, nodeId(lsp.nodeId), 'lsps2.get_info', {})) as {
        opening_fee_params_menu: Params[];
      };
      return info.opening_fee_params_menu[0]!;
    }
    const buyRaw = (here: ReturnType<typeof stranger>, lsp: LdkPeer, params: Params, size?: string) =>
      call(here, nodeId(lsp.nodeId), 'lsps2.buy', {
        opening_fee_params: params,
        ...(size === undefined ? {} : { payment_size_msat: size }),
      });

    test('LSPS2, and a menu of one entry that holds for a day', async () => {
      const lsp = lsps.get('lsp-trusts-client')!;
      const asked = asker({ peers: stranger(), lsps: [lsp.uri] });
      onTestFinished(() => asked.close());
      expect(await asked.listProtocols(lsp.uri)).toEqual([2]);
      const [entry, ...more] = await asked.getInfo(lsp.uri);
      expect(more).toEqual([]);
      expect(entry).toMatchObject({ minFee: 1_000_000n, proportionalPpm: 10_000, minLifetimeBlocks: 1_008 });
      const left = entry!.validUntil - Date.now() / 1000;
      expect(left).toBeGreaterThan(86_000);
      expect(left).toBeLessThan(86_500);
    });

    test('each purchase has an scid of its own; sizes at both bounds are taken, beyond them not', async () => {
      const [here, lsp] = [stranger(), lsps.get('lsp-trusts-client')!];
      const params = await menu(here, lsp);
      const scids = new Set<unknown>();
      for (const size of ['2000000', '4000000000', undefined])
        scids.add(((await buyRaw(here, lsp, params, size)) as Params)['jit_channel_scid']);
      expect(scids.size).toBe(3);
      await expect(buyRaw(here, lsp, params, '1999999')).rejects.toThrow('"code":202');
      await expect(buyRaw(here, lsp, params, '4000000001')).rejects.toThrow('"code":203');
    });

    test('changed or expired params, and those of another key, are not honoured', async () => {
      const [here, lsp] = [stranger(), lsps.get('lsp-trusts-client')!];
      const params = await menu(here, lsp);
      const changes: Params[] = [
        { min_fee_msat: '999999' },
        { proportional: 9_999 },
        { valid_until: '2020-01-01T00:00:00.000Z' },
        { valid_until: '2099-01-01T00:00:00.000Z' },
        { promise: `${String(params['promise']).slice(1)}0` },
      ];
      for (const change of changes)
        await expect(buyRaw(here, lsp, { ...params, ...change }, '100000000')).rejects.toThrow('"code":201');
      const other = stranger();
      await other.connect(parseUri(lsp.uri));
      await expect(buyRaw(other, lsp, params, '100000000')).rejects.toThrow('"code":201');
      await expect(buyRaw(here, lsp, params, '100000000')).resolves.toBeDefined();
    });

    test('eleven purchases at once: ten are sold, one is refused with error 1', async () => {
      const [here, lsp] = [stranger(), lsps.get('client-trusts-lsp')!];
      const params = await menu(here, lsp);
      const all = await Promise.allSettled(Array.from({ length: 11 }, () => buyRaw(here, lsp, params, '100000000')));
      const refused = all.filter((each) => each.status === 'rejected').map((each) => String(each.reason));
      expect(refused).toEqual([expect.stringContaining('"code":1,') as unknown]);
    });

    test('a token that it does not know, and the one that it does', async () => {
      const lsp = await net.peer({ lsp: { ...SELLS, client_trusts_lsp: false, token: 'sesame' } }, 0);
      const price = async (token?: string) => {
        const source = { uri: lsp.uri, ...(token === undefined ? {} : { token }) };
        const asked = asker({ peers: stranger(), lsps: [source] });
        onTestFinished(() => asked.close());
        return asked.quotes({ amount: sat(250_000n) });
      };
      for (const token of [undefined, 'open'])
        expect((await price(token)).all[0]).toMatchObject({ error: { reason: 'unrecognized_or_stale_token' } });
      expect((await price('sesame')).best).toMatchObject({ openingFee: sat(2_500n) });
    });
  });

  // The last, since its HTLC stays with the payer. A known fault of ldk-node 0.7: where the channel that it plans for a payment is too
  // small to be opened, it says nothing, and holds the payment until its CLTV runs out.
  test('known fault: of a payment whose channel LDK’s LSP cannot open, nobody hears again', async () => {
    const { purchase } = await buy('lsp-trusts-client', sat(2_500n));
    await pay(purchase, sat(2_500n));
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    expect(purchase.state).toEqual({ tag: 'waiting' });
    expect(payer.events.filter((each) => each['hash'] === purchase.paymentHash)).toEqual([]);
    say('lsp-trusts-client: 2,500 sat: held, and never forwarded (known fault of LDK’s LSP)');
  });
});
