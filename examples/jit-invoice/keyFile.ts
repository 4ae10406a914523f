import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { publicKey } from 'lsps2/protocol';
import { UsageError } from './exitCode.ts';

const KEY_HEX = /^[0-9a-f]{64}$/i;
const KEY_BYTES = 32;

/**
 * The private key in a file: 64 hex characters. Where there is no file yet, one is made that only its owner can read. An LSP binds
 * what it offers to the key of who asked. @throws UsageError
 */
export function keyOf(file: string): Uint8Array {
  const text = read(file) ?? create(file) ?? read(file) ?? '';
  // What is in it is not repeated: it may be a key after all.
  if (!KEY_HEX.test(text)) throw new UsageError(`--key: ${file} does not hold a key, which is 64 hex characters`);
  const key = new Uint8Array(Buffer.from(text, 'hex'));
  try {
    publicKey(key);
  } catch (cause) {
    throw new UsageError(`--key: what ${file} holds is no key of secp256k1`, { cause });
  }
  return key;
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    if ((cause as { code?: unknown }).code === 'ENOENT') return undefined;
    throw new UsageError(`--key: ${file} cannot be read`, { cause });
  }
}

/** Undefined: somebody else made it meanwhile, and keeps it. */
function create(file: string): string | undefined {
  const text = randomBytes(KEY_BYTES).toString('hex');
  try {
    writeFileSync(file, `${text}\n`, { mode: 0o600, flag: 'wx' });
  } catch (cause) {
    if ((cause as { code?: unknown }).code === 'EEXIST') return undefined;
    throw new UsageError(`--key: ${file} cannot be written`, { cause });
  }
  return text;
}
