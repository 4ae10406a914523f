import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NodeError } from '../../core/errors.ts';

/** How to reach a lightningd's gRPC: with a certificate of its own making for each side (mTLS). It has no lesser rights to give. */
export interface ClnCredentials {
  /** `host:port` of its `cln-grpc`, as `127.0.0.1:9736`. */
  readonly address: string;
  /** PEM of the authority that signed both certificates (`ca.pem`). */
  readonly authority: string;
  /** PEM of our certificate (`client.pem`). */
  readonly certificate: string;
  /** PEM of our key (`client-key.pem`). */
  readonly key: string;
}

const DEFAULT_PORT = 9_736;

/** Credentials out of lightningd's own files, which lie in its folder of the network, as `~/.lightning/bitcoin`. @throws NodeError */
export async function clnFiles(o: { readonly address: string; readonly folder: string }): Promise<ClnCredentials> {
  const read = async (name: string) => {
    const path = join(o.folder, name);
    return readFile(path, 'utf8').catch((cause: unknown) => {
      throw new NodeError(`${path} cannot be read`, { cause });
    });
  };
  return {
    address: o.address,
    authority: await read('ca.pem'),
    certificate: await read('client.pem'),
    key: await read('client-key.pem'),
  };
}

const PEM = /-----BEGIN ([A-Z ]+)-----[A-Za-z0-9+/=\s]+-----END \1-----/g;

/**
 * Reads `clngrpc://host:port?pubkey=...&protoPath=...&certs=...`, where `certs` is the base64 of our key, our certificate and the
 * authority's, one after the other. No error repeats what stands in it. @throws NodeError
 */
export function readClngrpc(uri: string): ClnCredentials {
  const bad = (what: string) => new NodeError(`the clngrpc URI ${what}`);
  if (!URL.canParse(uri)) throw bad('is none');
  const { protocol, host, port, searchParams } = new URL(uri);
  if (protocol !== 'clngrpc:' || host === '') throw bad('is not of the form clngrpc://host:port?...');
  // In a query a `+` is a space, and who wrote it meant a `+`.
  const certs = searchParams.get('certs')?.replaceAll(' ', '+').replaceAll('-', '+').replaceAll('_', '/');
  if (!certs) throw bad('has no certs');
  const found = [...Buffer.from(certs, 'base64').toString('latin1').matchAll(PEM)];
  const key = found.find(([, kind]) => kind?.endsWith('PRIVATE KEY'))?.[0];
  const [certificate, authority] = found.filter(([, kind]) => kind === 'CERTIFICATE').map(([text]) => text);
  if (!key || !certificate || !authority) throw bad('has certs that are not a key and two certificates');
  return { address: port === '' ? `${host}:${DEFAULT_PORT}` : host, authority, certificate, key };
}

/** @throws NodeError on what cannot be an address. */
export function checkAddress(address: string): void {
  if (!/^(\[[0-9a-f:]+\]|[\w.-]+):\d{1,5}$/i.test(address))
    throw new NodeError('the address of lightningd is not of the form host:port');
}
