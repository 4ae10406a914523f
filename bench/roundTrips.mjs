import { connect, createServer } from 'node:net';
import { asker, client, parseUri, sat } from 'lsps2';
import { memoryLightning, memoryStore } from 'lsps2/memory';
import { peers, tcp } from 'lsps2/tcp';
import { network } from 'lsps2/testing';
import { line, title } from './measure.mjs';

/** So long that what is left over a whole number is computing: a handshake in JavaScript takes some 35 ms. */
const RTT_MS = 500;
const AMOUNT = sat(250_000n);
/** Flights of the protocol itself: act one and two; act three with our init, and theirs; the menu; the purchase. */
const LEAST = { 'to a price, cold': 3, 'to a price, warm': 1, 'to an invoice, cold': 4, 'to an invoice, warm': 2 };

/** Holds back every byte for half a round trip, in both directions. */
async function delaying(port) {
  const later = (from, to) => {
    from.on('data', (data) => setTimeout(() => to.destroyed || to.write(data), RTT_MS / 2));
    from.on('close', () => setTimeout(() => to.destroy(), RTT_MS / 2));
    from.on('error', () => undefined);
  };
  const server = createServer((here) => {
    const there = connect({ host: '127.0.0.1', port });
    for (const each of [here, there]) each.setNoDelay(true);
    later(here, there);
    later(there, here);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: server.address().port, close: () => server.close() };
}

const timed = async (job) => {
  const begun = performance.now();
  await job();
  return (performance.now() - begun) / RTT_MS;
};

/** How many round trips it takes, beside the least that the protocol needs; the TCP connection itself is one more. */
export async function benchRoundTrips() {
  title(
    `Round trips of ${RTT_MS} ms to a real LDK node, from a connected socket on (the protocol's least in brackets)`,
  );
  const net = await network();
  const { nodeId, port } = parseUri(net.lsp.uri);
  const proxy = await delaying(port);
  const uri = `${nodeId}@127.0.0.1:${proxy.port}`;
  const tell = (who, what, trips) => line(`${who}: ${what}`, `${trips.toFixed(2)} (${LEAST[what]})`);

  const here = peers({ transports: [tcp()] });
  const asked = asker({ peers: here, lsps: [uri] });
  for (const what of ['to a price, cold', 'to a price, warm'])
    tell('lsps2/tcp', what, await timed(() => asked.quotes({ amount: AMOUNT })));

  // Invoices are signed by a node in memory; LSPS2 goes over the wire, by our transport and by LDK's own.
  const signer = memoryLightning().wallet;
  const ways = {
    'lsps2/tcp': { ...signer, ...peers({ transports: [tcp()] }), nodeId: signer.nodeId },
    LDK: net.wallet,
  };
  for (const [who, node] of Object.entries(ways)) {
    const jit = await client({ node, store: memoryStore(), lsps: [uri], limits: { maxFee: sat(10_000n) } });
    const invoice = async () => jit.buy((await jit.quotes({ amount: AMOUNT })).best, { description: 'bench' });
    for (const what of ['to an invoice, cold', 'to an invoice, warm']) tell(who, what, await timed(invoice));
    await jit.close();
    node.close?.();
  }
  asked.close();
  here.close();
  proxy.close();
  await net.close();
}
