import { EventEmitter } from 'eventemitter3';
import { fromHex, toHex } from '../core/bytes.ts';
import { InvariantError } from '../core/errors.ts';
import type { NodeId } from '../core/ids.ts';
import { readRecord } from '../core/record.ts';
import { serial } from '../core/serial.ts';
import { systemClock } from '../platform/clock.ts';
import { systemRandom } from '../platform/random.ts';
import type { Stop } from '../ports/abort.ts';
import type { Clock, Random } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { ChannelEvent, LspNode } from '../ports/lspNode.ts';
import type { Store } from '../ports/store.ts';
import { PROMISE_SECRET_BYTES } from '../protocol/lsps2/promise.ts';
import { type ChannelNews, type Purchase, sessionsOf } from '../session/purchase.ts';
import type { Context } from './context.ts';
import { readChannelKey } from './effects.ts';
import type { LspEvents } from './events.ts';
import { methods } from './methods.ts';
import { flatRate, type Policy } from './policy.ts';
import { purchases } from './purchases.ts';
import { serve } from './server.ts';

export interface LspInit {
  readonly node: LspNode;
  /** Must outlive the process if sold offers are to. */
  readonly store: Store;
  readonly policy?: Policy;
  readonly log?: Log;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** A running LSP. */
export interface Lsp {
  readonly nodeId: NodeId;
  /** Listeners that throw harm nobody but themselves. */
  on<Name extends keyof LspEvents>(event: Name, f: (event: LspEvents[Name]) => void): Stop;
  purchases(): readonly Purchase[];
  /** Stops serving; steps under way are finished. */
  close(): Promise<void>;
}

/** Runs an LSP of LSPS0 and LSPS2 on a node. @throws what the store throws while it loads. */
export async function lsp(init: LspInit): Promise<Lsp> {
  const { node, store, policy = flatRate(), clock = systemClock, random = systemRandom } = init;
  const log: Log = (entry) => {
    try {
      init.log?.(entry);
    } catch {
      // A log that throws has nobody to tell.
    }
  };
  const emitter = new EventEmitter();
  let running = true;
  const context: Context = {
    node,
    store,
    policy,
    rules: { ...policy.rules, cltvMarginBlocks: Math.max(policy.rules.cltvMarginBlocks, node.cltvMarginBlocks) },
    clock,
    log,
    funding: serial(),
    running: () => running,
    emit: (name, event) => void emitter.emit(name, event),
  };
  const book = purchases(context);
  const records = await store.load();
  for (const [, json] of records.filter(([key]) => key.startsWith('purchase/'))) book.start(readPurchase(json));
  const secrets = [await promiseSecret(records, store, random)];
  const shop = {
    policy,
    secrets,
    now: () => Math.floor(clock.nowMs() / 1000),
    newScid: () => book.newScid(),
    async record(offer: Purchase['offer']) {
      await book.sell(offer);
      context.emit('sold', offer);
    },
  };
  const stops: readonly Stop[] = [
    serve(node, methods(shop), log),
    node.onPart((part) => book.part(part)),
    node.onPartResolved((resolved) => book.resolved(resolved)),
    node.onChannel((event) => {
      const { scid, attempt } = readChannelKey(event.key);
      book.input(scid, channelNews(event, attempt));
    }),
    node.onConnected((client) => book.ofClient(client, { tag: 'clientConnected' })),
    node.onDisconnected((client) => book.ofClient(client, { tag: 'clientDisconnected' })),
    node.onBlock(() => book.every({ tag: 'blockConnected' })),
  ];
  return {
    nodeId: node.nodeId,
    on(event, f) {
      const guarded = (told: LspEvents[typeof event]) => {
        try {
          f(told);
        } catch (cause) {
          log({ level: 'warn', event: 'lsp.listener_threw', fields: { name: event, cause: String(cause) } });
        }
      };
      emitter.on(event, guarded);
      return () => void emitter.off(event, guarded);
    },
    purchases: () => book.all(),
    async close() {
      running = false;
      for (const stop of stops) stop();
      await book.stop();
    },
  };
}

function channelNews(event: ChannelEvent, attempt: number): ChannelNews {
  switch (event.tag) {
    case 'accepted':
      return { tag: 'channelAccepted', attempt, limits: event.limits };
    case 'funded':
      return { tag: 'channelFunded', attempt, channelId: event.channelId, fundingTxid: event.fundingTxid };
    case 'ready':
      return { tag: 'channelReady', attempt, channelId: event.channelId };
    case 'refused':
      return { tag: 'channelRefused', attempt };
    case 'failed':
      return { tag: 'channelFailed', attempt };
  }
}

const isPurchase = (record: unknown): record is Purchase =>
  typeof record === 'object' && record !== null && (record as { version?: unknown }).version === 1;

function readPurchase(json: string): Purchase {
  const purchase = readRecord(json, isPurchase);
  // Going on with a payment after a restart is not there yet; going on as if nothing had been would lose money.
  if (sessionsOf(purchase).length > 0 || purchase.channel?.broadcast === 'ordered') {
    throw new InvariantError('a purchase has a payment under way from before a restart: recovery is not there yet');
  }
  return purchase;
}

const SECRET_KEY = 'promise-secret';

async function promiseSecret(
  records: readonly (readonly [string, string])[],
  store: Store,
  random: Random,
): Promise<Uint8Array> {
  const saved = records.find(([key]) => key === SECRET_KEY)?.[1];
  if (saved !== undefined) return fromHex(JSON.parse(saved) as string, SECRET_KEY);
  const secret = random(PROMISE_SECRET_BYTES);
  await store.put(SECRET_KEY, JSON.stringify(toHex(secret)));
  return secret;
}
