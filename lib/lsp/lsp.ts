import { EventEmitter } from 'eventemitter3';
import type { NodeId } from '../core/ids.ts';
import type { Scid } from '../core/scid.ts';
import { serial } from '../core/serial.ts';
import { systemClock } from '../platform/clock.ts';
import { systemRandom } from '../platform/random.ts';
import type { Stop } from '../ports/abort.ts';
import type { Clock, Random } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { ChannelEvent, LspNode } from '../ports/lspNode.ts';
import type { Store } from '../ports/store.ts';
import type { ChannelNews, Purchase } from '../session/purchase.ts';
import type { Context } from './context.ts';
import { readChannelKey } from './effects.ts';
import type { LspEvents } from './events.ts';
import { methods } from './methods.ts';
import { flatRate, type Policy } from './policy.ts';
import { purchases } from './purchases.ts';
import { readPurchase } from './records.ts';
import { secrets } from './secrets.ts';
import { serve } from './server.ts';
import type { Counts } from './tally.ts';

export interface LspInit {
  readonly node: LspNode;
  /** Must outlive the process if sold offers are to. */
  readonly store: Store;
  readonly policy?: Policy;
  readonly log?: Log;
  readonly clock?: Clock;
  readonly random?: Random;
  /** Called before anything happens, for listeners that want to hear of what is resumed, too. */
  readonly on?: (subscribe: Subscribe) => void;
}

/** Listeners that throw, reject or take their time harm nobody but themselves. */
export type Subscribe = <Name extends keyof LspEvents>(event: Name, f: (event: LspEvents[Name]) => unknown) => Stop;

/** A running LSP. */
export interface Lsp {
  readonly nodeId: NodeId;
  readonly on: Subscribe;
  purchases(): readonly Purchase[];
  /** The purchase of a JIT scid; undefined when there is none, or none any more. */
  purchase(scid: Scid): Purchase | undefined;
  /** What the caps of the policy count: of one client, or of all. */
  counts(client?: NodeId): Counts;
  /** Stops serving; steps under way are finished, and what is waiting goes on after the next start. */
  close(): Promise<void>;
}

/**
 * Runs an LSP of LSPS0 and LSPS2 on a node, and goes on with whatever its store says was under way.
 * @throws what the store throws while it loads, DecodeError for records that are damaged or from a newer version.
 */
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
  const on: Subscribe = (event, f) => {
    const threw = (cause: unknown) =>
      log({ level: 'warn', event: 'lsp.listener_threw', fields: { name: event, cause: String(cause) } });
    const guarded = (told: LspEvents[typeof event]) => {
      try {
        // Nobody waits for a slow listener, and one that fails later harms nobody either.
        Promise.resolve(f(told)).catch(threw);
      } catch (cause) {
        threw(cause);
      }
    };
    emitter.on(event, guarded);
    return () => void emitter.off(event, guarded);
  };
  init.on?.(on);
  const context: Context = {
    node,
    store,
    policy,
    rules: { ...policy.rules, cltvMarginBlocks: Math.max(policy.rules.cltvMarginBlocks, node.cltvMarginBlocks) },
    clock,
    log,
    funding: serial(),
    givingBack: new Set(),
    running: () => running,
    emit: (name, event) => void emitter.emit(name, event),
  };
  const book = purchases(context);
  const records = await store.load();
  for (const [, json] of records.filter(([key]) => key.startsWith('purchase/'))) book.load(readPurchase(json));
  const now = () => Math.floor(clock.nowMs() / 1000);
  const keys = secrets(records, { store, random, now });
  const stops: Stop[] = [
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
  const stopAll = () => {
    running = false;
    for (const stop of stops) stop();
  };
  try {
    const { held, tellAgain } = await node.resume(book.known());
    await book.resume(held);
    // Only now: what has just been answered must not come again as if it were new.
    tellAgain();
  } catch (cause) {
    stopAll();
    throw cause;
  }
  // Only who knows what was sold before may sell more.
  const record = async (offer: Purchase['offer']) => {
    await book.sell(offer);
    const { scid, client, paymentSize, openingFee, trust } = offer;
    context.emit('sold', { scid, client, paymentSize, openingFee, trust });
  };
  const counts = (client: NodeId) => ({ client: book.counts(client), total: book.counts() });
  stops.push(serve(node, methods({ policy, node, secrets: keys, now, newScid: book.newScid, record, counts }), log));
  return {
    nodeId: node.nodeId,
    on,
    purchases: () => book.all(),
    purchase: book.get,
    counts: (client) => book.counts(client),
    async close() {
      stopAll();
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
