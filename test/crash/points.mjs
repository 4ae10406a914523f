// What a process under test shares with its parent: the chain over the pipe, and the points at which it may die.

let armed = Number.POSITIVE_INFINITY;
let points = 0;
const passed = [];

/** Dies by its own hand, with SIGKILL, at the n-th point that it passes once it is armed. */
export function point(name) {
  if (armed === Number.POSITIVE_INFINITY) return;
  points++;
  passed.push(name);
  if (points !== armed) return;
  process.send({ tag: 'dying', point: name });
  // SIGKILL: nothing is written, closed or said any more.
  process.kill(process.pid, 'SIGKILL');
  for (;;); // until it arrives
}

process.on('message', (message) => {
  if (message.tag !== 'arm') return;
  armed = message.at;
  points = 0;
  passed.length = 0;
  process.send({ tag: 'armed' });
});

export const passedPoints = () => passed;

/** The first message: the tip of the chain, and what the parent wants. */
export const begin = () => new Promise((resolve) => process.once('message', resolve));

/** The chain, at the other end of the pipe. */
export function remoteChain(first) {
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
    output: (outpoint) => ask('output', outpoint),
  };
}
