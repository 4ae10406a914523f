#!/usr/bin/env node
import type { Log } from 'lsps2';
import { MANIFEST, PURCHASES } from './manifest.ts';
import { listed, type Plugin, startPlugin, type Told } from './plugin.ts';
import { type Incoming, stdio } from './stdio.ts';

// A plugin of Core Lightning: `lightningd --plugin=.../lsps2-cln-plugin`. lightningd ends over an answer to a hook that it does not know,
// so whatever goes wrong here is answered by what it would do without us.

type Params = Incoming['params'];

const LEVEL = { debug: 'debug', info: 'info', warn: 'unusual' } as const;
const notified = new Set<(method: string, params: Params) => void>();
const messaged = new Set<(from: string, payload: string) => void>();
const add = <F>(those: Set<F>, f: F) => {
  those.add(f);
  return () => void those.delete(f);
};
const told: Told = { onNotification: (f) => add(notified, f), onCustomMessage: (f) => add(messaged, f) };
let started: Promise<Plugin> | undefined;

const log: Log = ({ level, event, fields = {} }) => {
  const words = Object.entries(fields).map(([name, value]) => `${name}=${String(value)}`);
  lightningd.notify('log', { level: LEVEL[level], message: [event, ...words].join(' ') });
};

/** Until it has started, what comes waits; should it never start, lightningd goes on as without it. */
async function hook(ask: (plugin: Plugin) => Promise<unknown>, without: object): Promise<unknown> {
  try {
    return started ? await ask(await started) : without;
  } catch {
    return without;
  }
}

const REJECT = { result: 'reject', error_message: 'not now' };
const HANDLERS: Readonly<Record<string, (params: Params) => unknown>> = {
  getmanifest: () => MANIFEST,
  init(params) {
    started = startPlugin(params, told, log);
    started.catch((cause: unknown) => {
      log({ level: 'warn', event: 'plugin.not_started', fields: { cause: String(cause) } });
      process.exit(1);
    });
    return {};
  },
  htlc_accepted: (params) => hook(({ wallet }) => wallet.htlcAccepted(params), { result: 'continue' }),
  openchannel: (params) => hook(({ wallet }) => wallet.openChannel(params), REJECT),
  custommsg({ peer_id: from, payload }) {
    for (const f of messaged) f(String(from), String(payload));
    return { result: 'continue' };
  },
  [PURCHASES]: async () => listed(await (started ?? Promise.reject(new Error('not started yet')))),
};

function heard({ id, method, params }: Incoming): void {
  if (id === undefined) {
    if (method === 'shutdown') process.exit(0);
    for (const f of notified) f(method, params);
    if (method.startsWith('channel_')) started?.then(({ wallet }) => wallet.channelsChanged()).catch(() => undefined);
    return;
  }
  const handler = HANDLERS[method];
  if (!handler) return lightningd.fail(id, `${method}: not a method of this plugin`);
  Promise.resolve()
    .then(() => handler(params))
    .then(
      (result) => lightningd.answer(id, result),
      (cause: unknown) => lightningd.fail(id, String(cause)),
    );
}

const lightningd = stdio(process.stdin, process.stdout, heard, () => process.exit(0));
