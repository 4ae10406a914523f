import { formatSat } from 'lsps2';
import { REFUSALS } from 'lsps2/text';
import { qrCode } from './qrCode.ts';
import type { Fields, Reporter } from './reporter.ts';
import { spinner } from './spinner.ts';

const BOLD = '1';
const DIM = '2';
const GREEN = '32';
const RED = '31';

/** Tells the story to a person; colours and a spinner only on a terminal. */
export function personReporter(): Reporter {
  const coloured = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;
  const paint = (code: string, text: string) => (coloured ? `\u001b[${code}m${text}\u001b[0m` : text);
  const begun = Date.now();
  const spin = spinner(process.stderr);

  function line(text: string): void {
    spin.clear();
    const time = `${((Date.now() - begun) / 1000).toFixed(2)} s`.padStart(8);
    process.stdout.write(`${paint(DIM, time)}  ${text}\n`);
  }

  return {
    tell(event, fields) {
      const text = STORY[event]?.(fields, paint);
      if (text !== undefined) line(text);
      if (event === 'invoice') process.stdout.write(`\n${qrCode(String(fields['invoice']))}\n`);
    },
    waiting: (what) => spin.show(what),
    close: () => spin.clear(),
  };
}

type Paint = (code: string, text: string) => string;
type Tale = (fields: Fields, paint: Paint) => string;

const amount = (fields: Fields, name: string): string => formatSat(BigInt(String(fields[name])));
const short = (value: unknown): string => `${String(value).slice(0, 12)}...`;

const GRADES: Readonly<Record<string, string>> = { good: GREEN, bad: RED, risk: BOLD };

const STORY: Readonly<Record<string, Tale>> = {
  started: (f) => `A payer, an LSP and a wallet are up, on ${String(f['chain'])}. The wallet has no channel at all.`,
  asking: (f) => `The wallet asks ${short(f['lsp'])}: what does it cost to receive ${amount(f, 'payment_size_msat')}?`,
  quoted: (f, paint) =>
    `The LSP charges ${paint(BOLD, amount(f, 'opening_fee_msat'))} (${(Number(f['fee_ppm']) / 10_000).toFixed(2)} %); ` +
    `${amount(f, 'net_msat')} will arrive. The offer holds until ${String(f['valid_until'])}.`,
  bought: (f) => `Bought. Short channel id ${String(f['jit_channel_scid'])}, ${String(f['trust'])}.`,
  invoice: (f) => `The invoice leads through the LSP:\n\n${String(f['invoice'])}`,
  paying: (f) => `The payer pays ${amount(f, 'payment_size_msat')} in ${String(f['parts'])} part(s).`,
  part_held: (f) =>
    `  part ${String(f['parts'])}: the LSP holds ${amount(f, 'amount_msat')}, ${amount(f, 'held_total_msat')} in all`,
  channel_opening: (f) =>
    `  the set is complete: the LSP opens a channel of ${formatSat(BigInt(String(f['capacity_sat'])) * 1000n)}`,
  channel_funded: (f) => `  both sides signed; the funding transaction is ${short(f['funding_txid'])}`,
  funding_broadcast: () => '  the funding transaction is broadcast',
  channel_ready: (f) => `  the channel ${short(f['channel_id'])} is ready, without a confirmation`,
  part_forwarded: (f) => `  forwarded ${amount(f, 'amount_msat')}, extra fee ${amount(f, 'extra_fee_msat')}`,
  claimed: (f, paint) =>
    `The wallet checked: ${amount(f, 'extra_fee_total_msat')} were kept, ${amount(f, 'opening_fee_msat')} were promised. ` +
    paint(GREEN, 'It takes the money.'),
  part_settled: () => '  the LSP has the preimage of a part',
  part_failed: (f) => `  a part goes back to the payer: ${String(f['reason'])}`,
  funding_confirmed: (f) => `The funding transaction is in block ${String(f['height'])}.`,
  trouble: (f) => `  the LSP has trouble: ${String(f['what'])}`,
  checked: (f, paint) => {
    const grade = String(f['grade']);
    const mark = paint(GRADES[grade] ?? DIM, grade.padEnd(7));
    const mend = grade === 'good' || f['mend'] === '' ? '' : `\n${' '.repeat(18)}${String(f['mend'])}`;
    return `${mark} ${String(f['check'])}: ${String(f['found'])}${mend}`;
  },
  wallet_started: (f) =>
    `The wallet is ${short(f['wallet'])}, ${f['data'] === '' ? 'and nothing outlives this process' : `kept in ${String(f['data'])}`}.`,
  going_on: (f) => `Going on with ${String(f['jit_channel_scid'])}, which was bought before.`,
  quoted_any: (f, paint) =>
    `The LSP charges ${paint(BOLD, `${(Number(f['proportional_ppm']) / 10_000).toFixed(2)} %`)}, at least ` +
    `${amount(f, 'min_fee_msat')}, for ${amount(f, 'min_payment_size_msat')} to ${amount(f, 'max_payment_size_msat')}. ` +
    `The offer holds until ${String(f['valid_until'])}.`,
  declined: () => 'Nothing was bought.',
  channel_let_in: () => '  the payment is on its way: the channel that was bought is let in',
  held: (f) => `  ${amount(f, 'gross_msat')} are here, and wait for the ${String(f['until'])}`,
  turned_away: (f, paint) =>
    `  ${paint(RED, 'Refused. ')}${REFUSALS[f['reason'] as keyof typeof REFUSALS]} The invoice can still be paid.`,
  received_before: (f, paint) =>
    `${paint(GREEN, 'Paid')} while nobody was here: ${amount(f, 'received_msat')} received.`,
  received: (f, paint) =>
    paint(GREEN, 'Paid. ') +
    `${amount(f, 'gross_msat')} paid = ${amount(f, 'received_msat')} received + ${amount(f, 'extra_fee_total_msat')} for the channel.`,
  listening: (f, paint) =>
    `Listening: ${paint(BOLD, String(f['uri']))}${f['ws_uri'] === undefined ? '' : ` and ${String(f['ws_uri'])}`}\n          on ${String(f['chain'])} at height ${String(f['height'])}, ` +
    `${f['data'] === '' ? 'nothing outlives this process' : `kept in ${String(f['data'])}`}, ` +
    `${String(f['purchases'])} purchase(s) from before.`,
  resumed: (f) => `Going on with ${String(f['jit_channel_scid'])}: ${String(f['payments'])} payment(s) were under way.`,
  sold: (f) =>
    `Sold ${String(f['jit_channel_scid'])} to ${short(f['client'])}: ` +
    (f['payment_size_msat'] === undefined
      ? 'the payer decides the amount'
      : `${amount(f, 'payment_size_msat')} for ${amount(f, 'opening_fee_msat')}`) +
    `, ${String(f['trust'])}.`,
  client_away: (f) => `  ${String(f['jit_channel_scid'])} is paid, but its client is away`,
  ended: (f) => `  the payment ${String(f['how'])}${f['reason'] === undefined ? '' : `: ${String(f['reason'])}`}`,
  channel_unpaid: (f) => `Nobody paid for the channel of ${String(f['jit_channel_scid'])} in time: it is closed.`,
  expired: (f) => `The offer ${String(f['jit_channel_scid'])} is over${f['paid'] === true ? '' : ', unpaid'}.`,
  stopping: (f) => `Stopping (${String(f['signal'])}).`,
  done: (f, paint) =>
    paint(GREEN, 'Done. ') +
    `${amount(f, 'payment_size_msat')} paid = ${amount(f, 'received_msat')} received + ` +
    `${amount(f, 'extra_fee_total_msat')} for the channel, in ${String(f['duration_ms'])} ms.`,
  refused: (f, paint) =>
    `${paint(RED, 'Refused. ')}${REFUSALS[f['reason'] as keyof typeof REFUSALS]} ` +
    `The payer has its ${amount(f, 'payer_balance_after_msat')} as before.`,
};
