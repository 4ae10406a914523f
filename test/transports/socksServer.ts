import { connect, createServer, type Socket } from 'node:net';

/** A SOCKS5 proxy (RFC 1928) without authentication. `hosts` leads names, as onion addresses, to where they are. */
export async function socksServer(hosts: Readonly<Record<string, string>> = {}) {
  const asked: string[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => {
      socket.write(Uint8Array.of(5, 0));
      socket.once('data', (request) => serve(socket, request));
    });
  });
  function serve(socket: Socket, request: Buffer): void {
    const isName = request[3] === 3;
    const end = isName ? 5 + (request[4] ?? 0) : 8;
    const host = isName ? request.toString('latin1', 5, end) : [...request.subarray(4, 8)].join('.');
    const port = request.readUInt16BE(end);
    asked.push(`${host}:${port}`);
    const to = connect({ host: hosts[host] ?? host, port });
    to.on('connect', () => {
      socket.write(Uint8Array.of(5, 0, 0, 1, 0, 0, 0, 0, 0, 0));
      socket.pipe(to).pipe(socket);
    });
    to.on('error', () => socket.end(Uint8Array.of(5, 5, 0, 1, 0, 0, 0, 0, 0, 0)));
    socket.on('close', () => to.destroy());
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return { host: '127.0.0.1', port, asked, close: () => new Promise((resolve) => server.close(resolve)) };
}
