// An LSP in a process of its own: an LDK node and the runtime on one file store, the chain at the other end of a pipe. It dies
// before or after a save, an effect, or a commit of the node.
import { formatScid } from 'lsps2';
import { ldkLsp, ldkNode } from 'lsps2/ldk';
import { flatRate, lsp } from 'lsps2/lsp';
import { sqliteStore } from 'lsps2/sqlite';
import { begin, passedPoints, point as reached, remoteChain } from './points.mjs';

const [path, port] = process.argv.slice(2);
const { tip, options } = await begin();
const { kinds, ...rate } = options;
const point = (kind, name) => kinds.includes(kind) && reached(name);

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
const node = await ldkNode({ role: 'lsp', chain: remoteChain(tip), store: bytes });
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
  if (message.tag !== 'report') return;
  const purchases = service.purchases().map((each) => [formatScid(each.offer.scid), each]);
  const pending = node.manager.list_channels().flatMap((channel) => channel.get_pending_inbound_htlcs()).length;
  process.send({ tag: 'report', purchases, pending, passed: passedPoints(), troubles });
});
const listening = await node.listen('127.0.0.1', Number(port));
process.send({ tag: 'up', nodeId: node.nodeId, port: listening });
