import type { Readable, Writable } from 'node:stream';
import type { Log } from 'lsps2';
import type { HookedWallet } from 'lsps2/cln';
import { MANIFEST } from './manifest.ts';
import { type Incoming, stdio } from './stdio.ts';

export type Params = Incoming['params'];

/** What is told to the plugin, and passed on. */
export interface Told {
  onNotification(f: (method: string, params: Params) => void): () => void;
  onCustomMessage(f: (from: string, payload: string) => void): () => void;
}

/** What has been started, and answers. */
export interface Started {
  readonly wallet: HookedWallet;
  /** RPC methods of the manifest. */
  readonly methods?: Readonly<Record<string, () => unknown>>;
}

const LEVEL = { debug: 'debug', info: 'info', warn: 'unusual' } as const;
const CONTINUE = { result: 'continue' };

/**
 * Talks to lightningd as its plugin. lightningd ends over an answer to a hook that it does not know, so whatever goes wrong here is
 * answered by what it would do without us. Until `start` resolves, what comes waits.
 */
export function runPlugin(o: {
  readonly input: Readable;
  readonly output: Writable;
  start(init: Params, told: Told, log: Log): Promise<Started>;
  exit(code: number): void;
}): void {
  const notified = new Set<(method: string, params: Params) => void>();
  const messaged = new Set<(from: string, payload: string) => void>();
  let started: Promise<Started> | undefined;

  const log: Log = ({ level, event, fields = {} }) => {
    const words = Object.entries(fields).map(([name, value]) => `${name}=${String(value)}`);
    lightningd.notify('log', { level: LEVEL[level], message: [event, ...words].join(' ') });
  };

  /** Without us lightningd takes no HTLC that is less than its onion says, and no channel as zero-conf. */
  async function hook(ask: (wallet: HookedWallet) => Promise<unknown>): Promise<unknown> {
    try {
      return started ? await ask((await started).wallet) : CONTINUE;
    } catch {
      return CONTINUE;
    }
  }

  /**
   * Of a peer that leaves while its channel is looked at, which may be before we have started, lightningd (26.06) has forgotten the
   * negotiation, and ends over any answer but this one.
   */
  async function unlessHungUp({ openchannel }: Params, answer: Promise<unknown>): Promise<unknown> {
    const { id } = (openchannel ?? {}) as { readonly id?: unknown };
    let hungUp = false;
    const unhear = adder(notified)((method, params) => {
      if (method === 'disconnect' && idOf(params) === id) hungUp = true;
    });
    const found = await answer;
    unhear();
    return hungUp ? CONTINUE : found;
  }

  const handlers: Readonly<Record<string, (params: Params) => unknown>> = {
    getmanifest: () => MANIFEST,
    init(params) {
      const told = { onNotification: adder(notified), onCustomMessage: adder(messaged) };
      started = o.start(params, told, log);
      started.catch((cause: unknown) => {
        log({ level: 'warn', event: 'plugin.not_started', fields: { cause: String(cause) } });
        o.exit(1);
      });
      return {};
    },
    htlc_accepted: (params) => hook((wallet) => wallet.htlcAccepted(params)),
    openchannel: (params) =>
      unlessHungUp(
        params,
        hook((wallet) => wallet.openChannel(params)),
      ),
    custommsg({ peer_id: from, payload }) {
      try {
        for (const f of messaged) f(String(from), String(payload));
      } catch (cause) {
        log({ level: 'warn', event: 'plugin.message_unread', fields: { cause: String(cause) } });
      }
      return CONTINUE;
    },
  };

  async function answerTo(method: string, params: Params): Promise<unknown> {
    const handler = handlers[method];
    if (handler) return handler(params);
    const called = (await started)?.methods?.[method];
    if (!called) throw new Error(`${method}: not a method of this plugin`);
    return called();
  }

  function heard({ id, method, params }: Incoming): void {
    if (id !== undefined) {
      answerTo(method, params).then(
        (result) => lightningd.answer(id, result),
        (cause: unknown) => lightningd.fail(id, String(cause)),
      );
      return;
    }
    if (method === 'shutdown') o.exit(0);
    try {
      for (const f of notified) f(method, params);
    } catch (cause) {
      log({ level: 'warn', event: 'plugin.notification_unread', fields: { cause: String(cause) } });
    }
    if (method.startsWith('channel_')) started?.then(({ wallet }) => wallet.channelsChanged()).catch(() => undefined);
  }

  const lightningd = stdio(o.input, o.output, heard, () => o.exit(0));
}

/** Of a peer that came or left. */
const idOf = (params: Params): unknown =>
  params['id'] ?? (params['disconnect'] as { readonly id?: unknown } | undefined)?.id;

const adder =
  <F>(those: Set<F>) =>
  (f: F) => {
    those.add(f);
    return () => void those.delete(f);
  };
