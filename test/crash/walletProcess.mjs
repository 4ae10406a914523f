// A wallet in a process of its own: an LDK node and the client on one file store, the chain at the other end of a pipe. It dies
// before or after a save of the client, or a commit of the node.
import { client, sat } from 'lsps2';
import { ldkNode, ldkWallet } from 'lsps2/ldk';
import { sqliteStore } from 'lsps2/sqlite';
import { begin, point, remoteChain } from './points.mjs';

const [path] = process.argv.slice(2);
const { tip, options } = await begin();

const file = await sqliteStore(path);
const store = {
  ...file,
  async put(key, json) {
    const state = /"state":\{"tag":"(\w+)"/.exec(json)?.[1];
    point(`before saving ${state}`);
    await file.put(key, json);
    point(`after saving ${state}`);
  },
};
const bytes = {
  load: file.bytes.load,
  commit(changes) {
    const names = [...new Set([...changes.keys()].map((key) => key.split('/')[0]))].join(', ');
    point(`before a commit of ${names}`);
    file.bytes.commit(changes);
    point(`after a commit of ${names}`);
  },
};
const words = [];
const log = ({ level, event, fields }) => level === 'warn' && words.push(`${event} ${JSON.stringify(fields)}`);
const node = await ldkNode({
  log,
  role: 'wallet',
  chain: remoteChain(tip),
  store: bytes,
});
const jit = await client({
  node: await ldkWallet(node),
  store,
  lsps: [options.lsp],
  limits: { maxFee: sat(5_000n) },
  requestTimeoutMs: 5_000,
  log,
});
// As an app does that a push has woken.
const refused = [];
jit.on('refused', ({ what, reason }) => refused.push(`${what}: ${reason}`));
const stay = () => jit.wake(60_000).catch(() => undefined);
void stay();

async function heard(message) {
  if (message.tag === 'buy') {
    const { best, all } = await jit.quotes({ amount: sat(100_000n) });
    if (!best) throw new Error(String(all[0].error));
    const { invoice } = await jit.buy(best, { description: 'crash' });
    point('before the invoice is shown');
    process.send({ tag: 'buy', invoice });
    void stay();
  } else if (message.tag === 'purchases') {
    const purchases = jit.purchases().map(({ invoice, state }) => ({ invoice, state }));
    process.send({ tag: 'purchases', purchases, refused, words, channels: node.manager.list_usable_channels().length });
  }
}
process.on('message', (message) => void heard(message));
process.send({ tag: 'up', nodeId: node.nodeId });
