import { formatScid, type Scid } from 'lsps2';
import type { LspEvents, LspInit } from 'lsps2/lsp';
import { messageOf } from './exitCode.ts';
import type { Fields, Reporter } from './reporter.ts';

type Events = Parameters<NonNullable<LspInit['on']>>[0];

const NAMES: readonly (keyof LspEvents)[] = [
  'resumed',
  'sold',
  'partHeld',
  'clientAway',
  'channelOpening',
  'channelFunded',
  'fundingBroadcast',
  'channelReady',
  'partForwarded',
  'partSettled',
  'partFailed',
  'ended',
  'channelUnpaid',
  'expired',
  'trouble',
];

/** Names of fields that do not follow from ours. Amounts in the events are msat unless they say otherwise. */
const RENAMED: Readonly<Record<string, string>> = { scid: 'jit_channel_scid', id: 'part_id' };

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** Tells everything that an LSP tells, one line for each event. */
export function tellEvents(events: Events, report: Reporter): void {
  for (const name of NAMES) events(name, (event) => report.tell(snake(name), fieldsOf(event)));
}

function fieldsOf(event: object): Fields {
  const fields: Record<string, string | number | bigint | boolean> = {};
  for (const [name, value] of Object.entries(event)) {
    if (name === 'cause') fields['cause'] = messageOf(value);
    else if (name === 'scid') fields['jit_channel_scid'] = formatScid(value as Scid);
    else if (typeof value === 'bigint') fields[name.endsWith('Sat') ? snake(name) : `${snake(name)}_msat`] = value;
    else if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
      fields[RENAMED[name] ?? snake(name)] = value;
  }
  return fields;
}
