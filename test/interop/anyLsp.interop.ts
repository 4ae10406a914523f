import { execFile } from 'node:child_process';
import { asker, client, type FixedQuote, msat, parseUri, sat } from 'lsps2';
import { ldkNode, ldkWallet } from 'lsps2/ldk';
import { memoryStore } from 'lsps2/memory';
import { peers, tcp } from 'lsps2/tcp';
import { bitcoindChain } from 'lsps2/testing';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { nodeId } from '../../lib/core/ids.ts';
import { call } from '../crash/buyByHand.ts';
import { say } from './say.ts';

// Any LSP, named by LSPS2_LSP (nodeid@host:port), LSPS2_TOKEN if it wants one. With LSPS2_BITCOIND (the regtest that it is on) and
// LSPS2_PAYER (a command that gets an invoice as its last argument, and ends with 0 when it was paid) our wallet is paid through it.

const uri = process.env['LSPS2_LSP'];
const token = process.env['LSPS2_TOKEN'];
const bitcoind = process.env['LSPS2_BITCOIND'];
const payer = process.env['LSPS2_PAYER'];
if (uri === undefined) say('skipped: no LSP of yours (LSPS2_LSP=nodeid@host:port)');
else if (bitcoind === undefined || payer === undefined)
  say('payments through your LSP are skipped: LSPS2_BITCOIND and LSPS2_PAYER say on which chain, and who pays');

const source = { uri: uri ?? '', ...(token === undefined ? {} : { token }) };
const limits = { maxFee: msat((1n << 64n) - 1n) };
type Params = Record<string, unknown>;

// For an operator: which LSP is asked, only its operator can say. `run.sh` prints what to set. Tried by hand on LDK's LSP.
describe.skipIf(uri === undefined)('an LSP of yours', () => {
  function stranger() {
    const here = peers({ transports: [tcp()] });
    onTestFinished(() => here.close());
    return here;
  }
  async function menu(here: ReturnType<typeof stranger>): Promise<readonly Params[]> {
    const peer = parseUri(source.uri);
    await here.connect(peer);
    const asked = token === undefined ? {} : { token };
    const info = (await call(here, peer.nodeId, 'lsps2.get_info', asked)) as { opening_fee_params_menu: Params[] };
    return info.opening_fee_params_menu;
  }
  const buy = (here: ReturnType<typeof stranger>, params: Params | undefined, size: string) =>
    call(here, nodeId(parseUri(source.uri).nodeId), 'lsps2.buy', {
      opening_fee_params: params,
      payment_size_msat: size,
    });

  test('speaks LSPS2, and has a price for the middle of what it takes', async () => {
    const asked = asker({ peers: stranger(), lsps: [source] });
    onTestFinished(() => asked.close());
    expect(await asked.listProtocols(source.uri)).toContain(2);
    const { best, all } = await asked.quotes({ amount: 'any' });
    expect(best, String(all[0] && 'error' in all[0] ? all[0].error : '')).toBeDefined();
    say(`your LSP: ${best?.proportionalPpm} ppm, at least ${best?.minFee} msat`);
  });

  test('sells an scid once, refuses changed params, and sizes beyond its bounds', async () => {
    const here = stranger();
    const [params] = await menu(here);
    const least = String(params?.['min_payment_size_msat']);
    const most = String(params?.['max_payment_size_msat']);
    const scids = [await buy(here, params, most), await buy(here, params, most)].map(
      (each) => (each as Params)['jit_channel_scid'],
    );
    expect(new Set(scids).size).toBe(2);
    await expect(buy(here, { ...params, min_fee_msat: '1' }, most)).rejects.toThrow('"code":201');
    await expect(buy(here, params, String(BigInt(least) - 1n))).rejects.toThrow('"code":202');
    await expect(buy(here, params, String(BigInt(most) + 1n))).rejects.toThrow('"code":203');
  });

  // Without a payer nobody can pay; `run.sh` and docs/testing.md tell what to set. Tried by hand on LDK's LSP.
  test.skipIf(bitcoind === undefined || payer === undefined).each([50_000n, 250_000n])(
    '%i sat are paid through it, and every millisatoshi adds up',
    async (amountSat) => {
      const chain = await bitcoindChain(bitcoind ?? '', { follow: true });
      const node = await ldkNode({ role: 'wallet', chain });
      const jit = await client({ node: await ldkWallet(node), store: memoryStore(), lsps: [source], limits });
      onTestFinished(async () => {
        await jit.close();
        await node.stop();
        await chain.close();
      });
      const { best } = await jit.quotes({ amount: sat(amountSat) });
      const { openingFee: fee, net } = best as FixedQuote;
      const purchase = await jit.buy(best as FixedQuote, { description: 'interop' });
      const [command = '', ...args] = (payer ?? '').split(' ');
      const [state] = await Promise.all([
        purchase.outcome(),
        promisify(execFile)(command, [...args, purchase.invoice]),
      ]);
      expect(state).toEqual({ tag: 'paid', gross: sat(amountSat), fee, received: net });
      say(`your LSP: ${amountSat} sat: wallet +${net}, LSP +${fee} msat`);
    },
  );
});
