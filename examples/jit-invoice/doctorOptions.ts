import { type ClnOptions, type LndOptions, ownNode } from './nodeOptions.ts';
import type { Values } from './options.ts';
import { oneOf } from './parsers.ts';

export interface DoctorOptions {
  readonly node: LndOptions | ClnOptions;
  readonly json: boolean;
}

export function doctorOptions(values: Values): DoctorOptions {
  const name = oneOf('--node', values.node ?? 'lnd', ['lnd', 'cln']);
  return { node: ownNode(name, values), json: values.json ?? false };
}
