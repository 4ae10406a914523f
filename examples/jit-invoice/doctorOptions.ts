import type { LndOptions } from './nodeOptions.ts';
import { lndOptions } from './nodeOptions.ts';
import type { Values } from './options.ts';
import { oneOf } from './parsers.ts';

export interface DoctorOptions {
  readonly node: LndOptions;
  readonly json: boolean;
}

export function doctorOptions(values: Values): DoctorOptions {
  oneOf('--node', values.node ?? 'lnd', ['lnd']);
  return { node: lndOptions(values), json: values.json ?? false };
}
