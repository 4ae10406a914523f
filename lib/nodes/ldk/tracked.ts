import * as ldk from 'lightningdevkit';
import { fromHex, toHex } from '../../core/bytes.ts';
import { readRecord, saveRecord } from '../../core/record.ts';
import { decodeUtf8, encodeUtf8 } from '../../core/utf8.ts';
import type { InterceptedPart, PartResolved } from '../../ports/lspNode.ts';
import { toChannelId } from './fromLdk.ts';
import type { IncomingHtlc } from './incoming.ts';
import type { LdkNode } from './node.ts';

/** A part between its arrival and the moment when somebody took what became of it. */
export interface Tracked {
  readonly part: InterceptedPart;
  /**
   * Which HTLC it is, as far as we can tell: among parts of one payment with equal amounts it is a guess, put right when one
   * of them ends.
   */
  incoming: Pick<IncomingHtlc, 'key' | 'channelId' | 'peer'>;
  /** Whether we have answered: a held part that LDK takes back by itself is `gone`. */
  answer: 'none' | 'forwarded' | 'failed';
  outcome?: PartResolved['outcome'];
}

type Saved = Omit<Tracked, 'incoming'> & {
  readonly incoming: { readonly key: string; readonly channelId: string; readonly peer: string };
};

const isSaved = (record: unknown): record is Saved =>
  typeof record === 'object' && record !== null && 'part' in record && 'incoming' in record && 'answer' in record;

const PREFIX = 'part/';

/** LDK names an intercepted HTLC once, and nowhere lists that name: it is kept in the same commit as LDK's own state. */
export interface TrackedParts {
  get(id: string): Tracked | undefined;
  all(): readonly Tracked[];
  /** To be called after every change. */
  save(tracked: Tracked): void;
  remove(id: string): void;
}

export function trackedParts({ records }: Pick<LdkNode, 'records'>): TrackedParts {
  const parts = new Map<string, Tracked>();
  for (const bytes of records.loaded(PREFIX).values()) {
    const tracked = read(decodeUtf8(bytes));
    parts.set(tracked.part.id, tracked);
  }
  return {
    get: (id) => parts.get(id),
    all: () => [...parts.values()],
    save(tracked) {
      parts.set(tracked.part.id, tracked);
      records.put(PREFIX + tracked.part.id, encodeUtf8(write(tracked)));
    },
    remove(id) {
      parts.delete(id);
      records.put(PREFIX + id, undefined);
    },
  };
}

function write({ incoming: { key, channelId, peer }, ...rest }: Tracked): string {
  return saveRecord({ ...rest, incoming: { key, channelId: toChannelId(channelId), peer: toHex(peer) } });
}

function read(json: string): Tracked {
  const { incoming, ...rest } = readRecord(json, isSaved);
  const channelId = ldk.ChannelId.constructor_new(fromHex(incoming.channelId));
  return { ...rest, incoming: { key: incoming.key, channelId, peer: fromHex(incoming.peer) } };
}
