// An LSP in a process of its own: an LDK node and the runtime on one file store, the chain at the other end of a pipe. It dies by
// its own hand, with SIGKILL, at the n-th point that it passes once it is armed: before and after every save, every effect, and
// every commit of the node.
import { formatScid } from 'lsps2';
import { ldkLsp, ldkNode } from 'lsps2/ldk';
import { flatRate, lsp } from 'lsps2/lsp';
import { sqliteStore } from 'lsps2/sqlite';

const [path, port] = process.argv.slice(2);
const { tip: firstTip, options } = await new Promise((resolve) => process.once('message', resolve));
const { kinds, ...rate } = options;

let armed = Number.POSITIVE_INFINITY;
let points = 0;
const passed = [];
function point(kind, name) {
  if (armed === Number.POSITIVE_INFINITY || !kinds.includes(kind)) return;
  points++;
  passed.push(name);
  if (points === armed) {
    process.send({ tag: 'dying', point: name });
    // SIGKILL: nothing is written, closed or said any more.
    process.kill(process.pid, 'SIGKILL');
    for (;;); // until it arrives
  }
}

/** The chain, over the pipe. */
function remoteChain(first) {
  let tip = first;
  let count = 0;
  const asked = new Map();
  const listeners = new Set();
  process.on('message', (message) => {
    if (message.tag === 'answer') {
      const { resolve, reject } = asked.get(message.id);
      asked.delete(message.id);
      if (message.error === undefined) resolve(message.value);
      else reject(new Error(message.error));
    } else if (message.tag === 'block') {
      tip = message.tip;
      for (const f of listeners) f(message.block);
    }
  });
  const ask = (method, ...args) =>
    new Promise((resolve, reject) => {
      const id = count++;
      asked.set(id, { resolve, reject });
      process.send({ tag: 'ask', id, method, args });
    });
  return {
    tip: () => tip,
    since: (height) => ask('since', height),
    onBlock(f) {
      listeners.add(f);
      return () => listeners.delete(f);
    },
    broadcast: (raw) => ask('broadcast', raw),
    fund: (script, value) => ask('fund', script, value),
    heightOf: (id) => ask('heightOf', id),
    release: (funding) => ask('release', funding),
  };
}

const file = await sqliteStore(path);
const store = {
  ...file,
  async put(key, json) {
    point('save', `before saving ${key}`);
    await file.put(key, json);
    point('save', `after saving ${key}`);
  },
};
const bytes = {
  load: file.bytes.load,
  commit(changes) {
    point('commit', `before a commit of ${[...changes.keys()].length} records`);
    file.bytes.commit(changes);
    point('commit', 'after a commit');
  },
};
const node = await ldkNode({ role: 'lsp', chain: remoteChain(firstTip), store: bytes });
const real = await ldkLsp(node);
const around = (name) => ({
  async [name](...args) {
    point('effect', `before ${name}`);
    const result = await real[name](...args);
    point('effect', `after ${name}`);
    return result;
  },
});
const EFFECTS = ['open', 'fund', 'broadcast', 'abandon', 'forward', 'fail', 'close'];
const adapter = Object.assign({}, real, ...EFFECTS.map(around));
const service = await lsp({ node: adapter, store, policy: flatRate(rate) });
const troubles = [];
service.on('trouble', ({ what, cause }) => troubles.push(`${what}: ${String(cause)}`));
process.on('message', (message) => {
  if (message.tag === 'arm') {
    armed = message.at;
    points = 0;
    passed.length = 0;
    process.send({ tag: 'armed' });
  } else if (message.tag === 'report') {
    const purchases = service.purchases().map((each) => [formatScid(each.offer.scid), each]);
    const pending = node.manager.list_channels().flatMap((channel) => channel.get_pending_inbound_htlcs()).length;
    process.send({ tag: 'report', purchases, pending, passed, troubles });
  }
});
const listening = await node.listen('127.0.0.1', Number(port));
process.send({ tag: 'up', nodeId: node.nodeId, port: listening });
