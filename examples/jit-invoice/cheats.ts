import type { NetworkOptions } from 'lsps2/testing';
import type { Cheat } from './demoOptions.ts';

// What a dishonest LSP or stranger does. The wallet does not know of any of this.

type Tamper = NonNullable<NetworkOptions['tamper']>;

const OVERCHARGE_MSAT = 1n;

/** The first part that goes to the wallet is made smaller, behind the back of the LSP's own bookkeeping. */
function overcharge(): Tamper {
  let done = false;
  return (node) => ({
    ...node,
    forward(part) {
      const less = done ? 0n : OVERCHARGE_MSAT;
      done = true;
      return node.forward({ ...part, amount: (part.amount - less) as typeof part.amount });
    },
  });
}

export function cheatOptions(cheat: Cheat | undefined): NetworkOptions {
  if (cheat === 'overcharge') return { tamper: overcharge() };
  if (cheat === 'public-channel') return { publicChannels: true };
  return {};
}
