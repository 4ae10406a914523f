import { clnStockWallet, clnStore, clnWallet, type Lightningd } from 'lsps2/cln';
import { memoryStore } from 'lsps2/memory';
import { isLate, type Tell, tellSynced } from './checks.ts';
import { messageOf } from './exitCode.ts';
import type { ClnOptions } from './nodeOptions.ts';

/** Since then its hooks say from whom an HTLC is, and take an amount for the invoice. */
const LEAST_VERSION = [25, 12];
/** LSPs open channels of about a payment's size; below this even small payments have their channel. */
const SMALL_CHANNEL_SAT = 20_000n;
/** What LSPs allow at least, by bLIP-52's examples. */
const USUAL_TO_SELF_DELAY_BLOCKS = 2016;
const PLUGIN_NAME = 'lsps2-cln-plugin';
const STOCK_NAME = 'cln-lsps-client';

export async function lookAtCln(cln: Lightningd, { gates }: ClnOptions, tell: Tell): Promise<void> {
  const isNew = isLate(cln.version, LEAST_VERSION);
  tell('version', isNew ? 'good' : 'bad', cln.version, 'Core Lightning 25.12 or later; 26.06.6 is proven');
  tellSynced(tell, cln.synced);
  await lookAtGates(cln, gates, tell);
  const { minCapacitySat, watchtimeBlocks } = cln;
  const isSmall = minCapacitySat <= SMALL_CHANNEL_SAT;
  const least = 'min-capacity-sat: at most what an LSP opens for your smallest payment';
  tell('min-capacity-sat', isSmall ? 'good' : 'risk', `channels below ${minCapacitySat} sat are refused`, least);
  const isUsual = watchtimeBlocks <= USUAL_TO_SELF_DELAY_BLOCKS;
  const long = 'watchtime-blocks: LSPs that allow less refuse the channel; quotes say so';
  tell('to_self_delay', isUsual ? 'good' : 'risk', `${watchtimeBlocks} blocks are asked of LSPs`, long);
}

async function lookAtGates(cln: Lightningd, gates: ClnOptions['gates'], tell: Tell): Promise<void> {
  try {
    if (gates === 'plugin') {
      const store = clnStore(cln);
      await clnWallet(cln, { store }).finally(() => store.close());
      tell('gates', 'good', `${PLUGIN_NAME} runs: every channel, part and fee is verified`);
      const both = (await cln.plugins()).some((name) => name.endsWith(STOCK_NAME));
      const unseen = `${STOCK_NAME} runs, too: channels that its own commands bought it lets in unverified`;
      if (both) tell('cln-lsps-client', 'risk', unseen, 'leave experimental-lsps-client out of its config');
    } else {
      const wallet = await clnStockWallet(cln, { store: memoryStore() });
      wallet.close();
      const found = 'cln-lsps-client runs: the net amount is verified, channels and single parts are not';
      tell('gates', 'risk', found, `--gates plugin, with ${PLUGIN_NAME} (docs/cln.md)`);
    }
  } catch (error) {
    const start = `lightning-cli plugin start "$(npm root -g)/lsps2/dist/cln-plugin/main.js", or plugin= in its config`;
    tell('gates', 'bad', messageOf(error), gates === 'plugin' ? start : 'experimental-lsps-client in its config');
  }
}
