import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { client, sat } from 'lsps2';
import { memoryStore } from 'lsps2/memory';
import { sqliteStore } from 'lsps2/sqlite';
import { network } from 'lsps2/testing';
import { line, median, number, timed, title } from './measure.mjs';

const PAYMENTS = 15;
/** Of a bare LDK harness without any LSP runtime or store, as studied; not run here. */
const BARE = { 1: 1.58, 2: 1.83 };

/** The figure that users feel: the first payment, which opens a channel, over one that finds it open. Same nodes, same run. */
export async function benchLightning() {
  title(
    `A JIT payment over an ordinary payment, LDK nodes over TCP, the LSP's node and runtime on the file store (${PAYMENTS} each)`,
  );
  const folder = mkdtempSync(join(tmpdir(), 'lsps2-bench-'));
  for (const parts of [1, 2]) {
    const store = await sqliteStore(join(folder, `time-${parts}.db`));
    const policy = { overProvisionPpm: 2_000_000, caps: { unpaidPerClient: 1000 } };
    const net = await network({ payerChannels: 2, lspStore: store, policy });
    const jit = await client({
      node: net.wallet,
      store: memoryStore(),
      lsps: [net.lsp.uri],
      limits: { maxFee: sat(1_000n) },
    });
    const [first, again] = [[], []];
    for (let i = 0; i < PAYMENTS; i++) {
      const { best } = await jit.quotes({ amount: sat(50_000n) });
      const { invoice } = await jit.buy(best, { description: 'bench' });
      for (const times of [first, again]) {
        times.push(
          await timed(async () => {
            const paid = await net.payer.pay(invoice, { parts });
            if (!paid.paid) throw new Error(`not paid: ${paid.failureCode}`);
          }),
        );
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      await net.mine(1);
    }
    const ratio = median(first) / median(again);
    line(
      `${parts} part(s)`,
      `x${number(ratio)}`,
      `${number(ratio / BARE[parts])}x the anchor of the bare harness (x${BARE[parts]})`,
    );
    line('', '', `median ${number(median(first))} ms over ${number(median(again))} ms`);
    await jit.close();
    await net.close();
    await store.close();
  }
  rmSync(folder, { recursive: true, force: true });
}
