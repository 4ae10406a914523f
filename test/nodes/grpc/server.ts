import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceDefinition,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { onTestFinished } from 'vitest';

// A gRPC server made from our own .proto files, that says what a test wants. Real nodes: test/interop.

export const TLS = fileURLToPath(new URL('../../vectors/tls/', import.meta.url));
export const pem = (name: string): string => readFileSync(`${TLS}${name}.pem`, 'utf8');

/** A stream that a client opened. */
interface Opened {
  write(message: unknown): unknown;
  end(): void;
  destroy(): void;
}

type Answer = (request: never) => unknown;

export interface FakeNode {
  readonly address: string;
  /** What unary calls answer, by name; without one a call answers nothing (UNIMPLEMENTED). What it throws is what the client gets. */
  readonly answers: Record<string, Answer>;
  /** Streams, the newest last, by name. */
  readonly streams: Record<string, Opened[]>;
  /** What clients said on streams of both sides: call, and message. */
  readonly heard: (readonly [name: string, message: unknown])[];
  /** Calls whose streams are refused, and how. */
  readonly refused: Record<string, Failure>;
  stop(): void;
  /** Again, at the same address. */
  start(): Promise<void>;
}

/** How a call fails. */
export interface Failure {
  readonly code: status;
  readonly details: string;
}

export async function serve(
  services: readonly ServiceDefinition[],
  o: { readonly answers: Record<string, Answer>; readonly mutual?: boolean; readonly certificate?: string },
): Promise<FakeNode> {
  const { answers, mutual = false, certificate = 'server' } = o;
  const streams: Record<string, Opened[]> = {};
  const heard: [string, unknown][] = [];
  const refused: Record<string, Failure> = {};
  let server = new Server();
  let port = 0;

  function handlerOf(name: string, isStream: boolean): UntypedServiceImplementation[string] {
    if (!isStream)
      return ((call: ServerUnaryCall<never, unknown>, done: sendUnaryData<unknown>) => {
        const answer = answers[name] ?? (() => Promise.reject(failure(status.UNIMPLEMENTED, `no ${name}`)));
        Promise.resolve()
          .then(() => answer(call.request))
          .then(
            (value) => done(null, value),
            (error: Failure) => done({ code: error.code, details: error.details }),
          );
      }) as never;
    return ((call: Opened & NodeJS.EventEmitter) => {
      const why = refused[name];
      if (why) return call.emit('error', why);
      (streams[name] ??= []).push(call);
      call.on('data', (message: unknown) => heard.push([name, message]));
      call.on('error', () => undefined);
      return undefined;
    }) as never;
  }

  async function start(): Promise<void> {
    server = new Server();
    for (const service of services)
      server.addService(
        service,
        Object.fromEntries(
          Object.entries(service).map(([name, { responseStream }]) => [name, handlerOf(name, responseStream)]),
        ),
      );
    const pair = { private_key: Buffer.from(pem(`${certificate}-key`)), cert_chain: Buffer.from(pem(certificate)) };
    const credentials = ServerCredentials.createSsl(Buffer.from(pem('ca')), [pair], mutual);
    port = await new Promise((resolve, reject) =>
      server.bindAsync(`127.0.0.1:${port}`, credentials, (error, bound) => (error ? reject(error) : resolve(bound))),
    );
  }
  await start();
  onTestFinished(() => server.forceShutdown());
  return { address: `127.0.0.1:${port}`, answers, streams, heard, refused, stop: () => server.forceShutdown(), start };
}

export const failure = (code: status, details: string): Failure => ({ code, details });
