import { connect, createServer, type Socket } from 'node:net';

/** Passes TCP on, as long as it is let. */
export interface Proxy {
  readonly address: string;
  /** Ends every connection, and takes no more until `mend`. */
  cut(): void;
  mend(): void;
  /** From now on nothing that is said arrives, and nobody is told: as if the far side read, and said nothing. */
  silence(): void;
  close(): Promise<void>;
}

export async function startProxy(to: string): Promise<Proxy> {
  const [host = '', port = ''] = to.split(':');
  const sockets = new Set<Socket>();
  let isCut = false;
  const server = createServer((near) => {
    if (isCut) {
      near.destroy();
      return;
    }
    const far = connect(Number(port), host);
    for (const [each, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(each);
      each.setNoDelay(true);
      each.on('error', () => undefined);
      each.on('close', () => {
        sockets.delete(each);
        other.destroy();
      });
      each.pipe(other);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || !address) throw new Error('no address');
  const cut = () => {
    isCut = true;
    for (const each of sockets) each.destroy();
  };
  return {
    address: `127.0.0.1:${address.port}`,
    cut,
    silence() {
      for (const each of sockets) each.unpipe().resume();
    },
    mend: () => {
      isCut = false;
    },
    close: () =>
      new Promise<void>((resolve) => {
        cut();
        server.close(() => resolve());
      }),
  };
}
