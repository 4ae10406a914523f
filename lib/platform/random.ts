import { NodeError } from '../core/errors.ts';
import type { Random } from '../ports/clock.ts';

interface WebCrypto {
  getRandomValues(bytes: Uint8Array): unknown;
}

/** Random bytes of the platform's Web Crypto. React Native has it by `react-native-get-random-values`. */
export const systemRandom: Random = (length) => {
  const { crypto } = globalThis as { crypto?: WebCrypto };
  if (!crypto) throw new NodeError('this platform has no crypto.getRandomValues: load a polyfill for it first');
  const bytes = new Uint8Array(length);
  crypto.getRandomValues(bytes);
  return bytes;
};
