import type { TestNetwork } from 'lsps2/testing';
import type { Reporter } from './reporter.ts';

type FundingTxid = Parameters<TestNetwork['chain']['heightOf']>[0];

/** What the LSP's events told so far. */
export interface Ledger {
  channelId(): string;
  fundingTxid(): FundingTxid | undefined;
  ended(): boolean;
}

/** Turns the LSP's events into the story, and remembers what its end needs. */
export function followLsp({ lsp }: TestNetwork, report: Reporter): Ledger {
  let channelId = '';
  let fundingTxid: FundingTxid | undefined;
  let ended = false;
  lsp.on('partHeld', (e) =>
    report.tell('part_held', { parts: e.parts, amount_msat: e.amount, held_total_msat: e.heldTotal }),
  );
  lsp.on('clientAway', () => report.waiting('the wallet is away'));
  lsp.on('channelOpening', (e) => report.tell('channel_opening', { capacity_sat: e.capacitySat }));
  lsp.on('channelFunded', (e) => report.tell('channel_funded', { funding_txid: e.fundingTxid }));
  lsp.on('fundingBroadcast', (e) => {
    fundingTxid = e.fundingTxid;
    report.tell('funding_broadcast', { funding_txid: e.fundingTxid });
  });
  lsp.on('channelReady', (e) => {
    channelId = e.channelId;
    report.tell('channel_ready', { channel_id: e.channelId });
  });
  lsp.on('partForwarded', (e) => report.tell('part_forwarded', { amount_msat: e.amount, extra_fee_msat: e.extraFee }));
  lsp.on('partSettled', () => report.tell('part_settled', {}));
  lsp.on('partFailed', (e) => report.tell('part_failed', { reason: e.reason }));
  lsp.on('trouble', (e) => report.tell('trouble', { what: e.what }));
  lsp.on('ended', () => {
    ended = true;
  });
  return { channelId: () => channelId, fundingTxid: () => fundingTxid, ended: () => ended };
}
