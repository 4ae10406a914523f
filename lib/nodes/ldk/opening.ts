import * as ldk from 'lightningdevkit';
import { fromHex, toHex } from '../../core/bytes.ts';
import type { NodeId } from '../../core/ids.ts';
import { readRecord, saveRecord } from '../../core/record.ts';
import { decodeUtf8, encodeUtf8 } from '../../core/utf8.ts';
import type { SignedFunding } from './chain.ts';
import { toChannelId } from './fromLdk.ts';
import type { LdkNode } from './node.ts';

/** A channel that is being opened, or was. */
export interface Opening {
  readonly key: string;
  readonly userId: bigint;
  readonly peer: NodeId;
  /** LDK's id of the channel: temporary first, then the real one. */
  id: ldk.ChannelId;
  stage: 'offered' | 'accepted' | 'funding' | 'funded' | 'closed' | 'abandoned';
  /** From the first attempt to broadcast on, its coins are spent. */
  broadcast?: boolean;
  /** LDK has the signature of the client: the funding transaction may go out. */
  safe?: boolean;
  /** Deep enough in the chain that it need not be sent again. */
  deep?: boolean;
  /** Nobody asks about it any more. */
  forgotten?: boolean;
  output?: { readonly script: Uint8Array; readonly value: bigint };
  funding?: SignedFunding;
}

type Saved = Omit<Opening, 'id' | 'output' | 'funding'> & {
  readonly id: string;
  readonly funding?: Omit<SignedFunding, 'raw'> & { readonly raw: string };
};

const isSaved = (record: unknown): record is Saved =>
  typeof record === 'object' && record !== null && 'userId' in record && 'stage' in record;

const PREFIX = 'channel/';

/** Openings, by their keys and by LDK's names for them, kept in the node's own store. */
export interface Openings {
  get(key: string): Opening | undefined;
  ofUser(userId: bigint): Opening | undefined;
  all(): readonly Opening[];
  /** To be called after every change. */
  save(opening: Opening): void;
  remove(opening: Opening): void;
}

export function openings({ records }: Pick<LdkNode, 'records'>): Openings {
  const byKey = new Map<string, Opening>();
  const byUser = new Map<bigint, Opening>();
  const add = (opening: Opening) => {
    byKey.set(opening.key, opening);
    byUser.set(opening.userId, opening);
  };
  for (const bytes of records.loaded(PREFIX).values()) add(read(decodeUtf8(bytes)));
  return {
    get: (key) => byKey.get(key),
    ofUser: (userId) => byUser.get(userId),
    all: () => [...byKey.values()],
    save(opening) {
      add(opening);
      records.put(PREFIX + opening.key, encodeUtf8(write(opening)));
    },
    remove({ key, userId }) {
      byKey.delete(key);
      byUser.delete(userId);
      records.put(PREFIX + key, undefined);
    },
  };
}

/** The output is of use only as long as the channel is not funded, and such a channel does not survive a restart. */
function write({ output, ...opening }: Opening): string {
  void output;
  const { id, funding } = opening;
  return saveRecord({ ...opening, id: toChannelId(id), funding: funding && { ...funding, raw: toHex(funding.raw) } });
}

function read(json: string): Opening {
  const { id, funding, ...rest } = readRecord(json, isSaved);
  const opening: Opening = { ...rest, id: ldk.ChannelId.constructor_new(fromHex(id)) };
  if (funding) opening.funding = { ...funding, raw: fromHex(funding.raw) };
  return opening;
}
