import { readFile } from 'node:fs/promises';
import { base64urlnopad } from '@scure/base';
import { toHex } from '../../core/bytes.ts';
import { NodeError } from '../../core/errors.ts';

/** How to reach an lnd, and what it lets us do there. */
export interface LndCredentials {
  /** `host:port` of its gRPC, as `127.0.0.1:10009`. */
  readonly address: string;
  /** PEM of its TLS certificate (`tls.cert`); absent: one that the system's authorities have signed. */
  readonly certificate?: string;
  /** The bytes of a macaroon, in hex. */
  readonly macaroon: string;
}

const DEFAULT_PORT = 10_009;
const HEX = /^(?:[0-9a-f]{2})+$/i;

/** Credentials out of lnd's own files. @throws NodeError when one cannot be read */
export async function lndFiles(o: {
  readonly address: string;
  readonly certificateFile: string;
  readonly macaroonFile: string;
}): Promise<LndCredentials> {
  const read = (path: string) =>
    readFile(path).catch((cause: unknown) => {
      throw new NodeError(`${path} cannot be read`, { cause });
    });
  return {
    address: o.address,
    certificate: (await read(o.certificateFile)).toString('utf8'),
    macaroon: toHex(await read(o.macaroonFile)),
  };
}

/** Reads `lndconnect://host:port?cert=...&macaroon=...`. No error repeats what stands in it. @throws NodeError */
export function readLndconnect(uri: string): LndCredentials {
  const bad = (what: string) => new NodeError(`the lndconnect URI ${what}`);
  if (!URL.canParse(uri)) throw bad('is none');
  const { protocol, host, port, searchParams } = new URL(uri);
  if (protocol !== 'lndconnect:' || host === '') throw bad('is not of the form lndconnect://host:port?...');
  const [cert, macaroon] = [searchParams.get('cert'), searchParams.get('macaroon')];
  if (!macaroon) throw bad('has no macaroon');
  return {
    address: port === '' ? `${host}:${DEFAULT_PORT}` : host,
    macaroon: toHex(bytesOf(macaroon) ?? fail(bad('has a macaroon that is not base64url'))),
    ...(cert ? { certificate: toPem(cert, bad) } : {}),
  };
}

/** @throws NodeError on what no macaroon is. */
export function checkCredentials({ address, macaroon }: LndCredentials): void {
  if (!HEX.test(macaroon)) throw new NodeError('the macaroon is not hex');
  if (!/^(\[[0-9a-f:]+\]|[\w.-]+):\d{1,5}$/i.test(address))
    throw new NodeError('the address of lnd is not of the form host:port');
}

const PEM_LINE = 64;

function toPem(cert: string, bad: (what: string) => NodeError): string {
  const der = bytesOf(cert) ?? fail(bad('has a certificate that is not base64url'));
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(new RegExp(`.{1,${PEM_LINE}}`, 'g')) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}

function bytesOf(text: string): Uint8Array | undefined {
  try {
    return base64urlnopad.decode(text.replace(/=+$/, ''));
  } catch {
    return undefined;
  }
}

function fail(error: Error): never {
  throw error;
}
