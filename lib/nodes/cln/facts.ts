import { NodeError } from '../../core/errors.ts';
import { nodeId } from '../../core/ids.ts';
import { NETWORK_PREFIX, type Network } from '../../core/network.ts';
import type { Lightningd } from './lightningd.ts';

/** What a lightningd says of itself. */
interface Said {
  readonly id: string;
  readonly network: string;
  readonly version: string;
  readonly synced: boolean;
  readonly watchtimeBlocks: number | undefined;
  readonly cltvFinal: number | undefined;
  readonly minCapacitySat: bigint | undefined;
}

type Facts = Pick<
  Lightningd,
  'nodeId' | 'network' | 'version' | 'synced' | 'watchtimeBlocks' | 'cltvFinal' | 'minCapacitySat'
>;

/** lightningd's defaults, where it does not say. */
const DEFAULT_WATCHTIME_BLOCKS = 144;
const DEFAULT_CLTV_FINAL = 18;
const DEFAULT_MIN_CAPACITY_SAT = 10_000n;

const isNetwork = (name: string): name is Network => name in NETWORK_PREFIX;

/** @throws NodeError */
export function factsOf(where: string, said: Said): Facts {
  const { id, network, version, synced } = said;
  if (!isNetwork(network))
    throw new NodeError(`${where} is on a network that we do not know`, { reason: 'unsupported' });
  return {
    nodeId: idOf(id, where),
    network,
    version,
    synced,
    watchtimeBlocks: said.watchtimeBlocks ?? DEFAULT_WATCHTIME_BLOCKS,
    cltvFinal: said.cltvFinal ?? DEFAULT_CLTV_FINAL,
    minCapacitySat: said.minCapacitySat ?? DEFAULT_MIN_CAPACITY_SAT,
  };
}

function idOf(text: string, where: string): Facts['nodeId'] {
  try {
    return nodeId(text);
  } catch (cause) {
    throw new NodeError(`${where} does not say who it is`, { cause });
  }
}
