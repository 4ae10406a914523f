import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { client, sat } from 'lsps2';
import { flatRate, lsp } from 'lsps2/lsp';
import { memoryLightning, memoryStore } from 'lsps2/memory';
import { sqliteStore } from 'lsps2/sqlite';
import { heapUsed, line, median, number, timed, title } from './measure.mjs';
import { purchase } from './lightning.mjs';

const SESSIONS = 60;

/** Counts what is saved, and lets through the rest. */
function counting(store) {
  let saves = 0;
  return {
    ...store,
    put(key, json) {
      saves++;
      return store.put(key, json);
    },
    saves: () => saves,
  };
}

/** Buys and pays one after the other, in so many parts. */
async function sessions(store, parts) {
  const net = memoryLightning();
  const service = await lsp({ node: net.lsp, store, policy: flatRate({ caps: { unpaidPerClient: 1e6 } }) });
  const limits = { maxFee: sat(10_000n) };
  const jit = await client({ node: net.wallet, store: memoryStore(), lsps: [net.lspUri], limits });
  const { best } = await jit.quotes({ amount: sat(300_000n) });
  const each = sat(300_000n) / BigInt(parts);
  const bought = [];
  for (let i = 0; i < SESSIONS; i++) bought.push(await jit.buy(best, { description: 'bench' }));
  const before = store.saves();
  const allEnded = new Promise((resolve) => {
    let done = 0;
    service.on('ended', () => ++done === SESSIONS && resolve());
  });
  const ms = await timed(async () => {
    for (const { invoice } of bought) {
      const paid = await net.pay(
        invoice,
        Array.from({ length: parts }, () => each),
      );
      if (!paid.paid) throw new Error('not paid');
    }
    await allEnded;
  });
  const saves = (store.saves() - before) / SESSIONS;
  await jit.close();
  await service.close();
  return { perSecond: (SESSIONS * 1000) / ms, saves };
}

async function growth(folder) {
  title('How it grows: purchases that wait (file store)');
  const base = {};
  for (const count of [100, 1_000, 10_000, 100_000]) {
    const path = join(folder, `growth-${count}.db`);
    const filling = await sqliteStore(path);
    const puts = [];
    for (let i = 1; i <= count; i++) {
      const { offer, ...rest } = purchase(BigInt(i));
      const record = { ...rest, offer: { ...offer, validUntil: 4_000_000_000 } };
      puts.push(
        filling.put(
          `purchase/${i}`,
          JSON.stringify(record, (_, v) => (typeof v === 'bigint' ? `#${v}` : v)),
        ),
      );
    }
    await Promise.all(puts);
    await filling.close();
    const net = memoryLightning();
    const store = await sqliteStore(path);
    const heap = heapUsed();
    let service;
    const caps = { unpaid: 1e6, unpaidPerClient: 1e6 };
    const recovery = await timed(async () => {
      service = await lsp({ node: net.lsp, store, policy: flatRate({ caps }) });
    });
    const bytes = (heapUsed() - heap) / count;
    const jit = await client({
      node: net.wallet,
      store: memoryStore(),
      lsps: [net.lspUri],
      limits: { maxFee: sat(10_000n) },
    });
    const { best } = await jit.quotes({ amount: sat(100_000n) });
    const times = [];
    for (let i = 0; i < 20; i++) {
      times.push(
        await timed(async () => {
          const { invoice } = await jit.buy(best, { description: 'one more' });
          await net.pay(invoice);
        }),
      );
    }
    const session = median(times);
    base.session ??= session;
    base.recovery ??= recovery / count;
    line(
      `${number(count)} purchases`,
      `${number(bytes)} B each`,
      `recovery ${number(recovery)} ms (x${number(recovery / count / base.recovery)} per purchase), ` +
        `buy and pay x${number(session / base.session)}`,
    );
    await jit.close();
    await service.close();
    await store.close();
  }
}

export async function benchRuntime() {
  const folder = mkdtempSync(join(tmpdir(), 'lsps2-bench-'));
  try {
    title(`Whole sessions through the runtime, nodes in memory (${SESSIONS} payments one after the other)`);
    for (const parts of [2, 30]) {
      const inMemory = await sessions(counting(memoryStore()), parts);
      const file = await sqliteStore(join(folder, `runtime-${parts}.db`));
      const before = file.transactions();
      const onFile = await sessions(counting(file), parts);
      const fsyncs = (file.transactions() - before) / SESSIONS;
      await file.close();
      line(`${parts} parts, memory store`, `${number(inMemory.perSecond)}/s`, `${number(inMemory.saves)} saves each`);
      line(
        `${parts} parts, file store`,
        `${number(onFile.perSecond)}/s`,
        `${number(onFile.perSecond / inMemory.perSecond)}x memory, ${number(onFile.saves)} saves and ` +
          `${number(fsyncs)} fsyncs each (buying included)`,
      );
    }
    await growth(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
