import { decodeInvoice, formatSat, formatScid, type Invoice } from 'lsps2';
import { judgeJitInvoice, type JitInvoiceFault } from 'lsps2/protocol';
import { EXIT, type ExitCode, UsageError } from './exitCode.ts';
import type { DecodeOptions } from './options.ts';
import type { Fields, Reporter } from './reporter.ts';

const FAULTS: Readonly<Record<JitInvoiceFault, string>> = {
  no_route_hint: 'no route hint: it does not lead through an LSP',
  several_route_hints: 'more than one route hint: bLIP-52 has a single one',
  several_hops: 'its route hint has more than one hop',
  routing_fee: 'its hop asks for a routing fee, which bLIP-52 has at 0',
  amount_without_mpp: 'it has an amount, and does not take parts (basic_mpp)',
  mpp_without_amount: 'it has no amount, and takes parts (basic_mpp)',
};

/** Explains any invoice, and says whether it may be one of a JIT channel. */
export async function decode({ invoice: text, json }: DecodeOptions, report: Reporter): Promise<ExitCode> {
  const invoice = read(text.replace(/^lightning:/i, ''));
  const { hop, faults } = judgeJitInvoice(invoice);
  const expiresAt = invoice.timestamp + invoice.expirySeconds;
  report.tell('decoded', {
    ...fieldsOf(invoice),
    expired: Date.now() / 1000 > expiresAt,
    jit: faults.length === 0,
    faults: faults.join(','),
    ...(hop ? { lsp: hop.nodeId, scid: formatScid(hop.scid), lsp_cltv_expiry_delta: hop.cltvExpiryDelta } : {}),
  });
  if (!json) process.stdout.write(`${[...linesOf(invoice, expiresAt), '', ...verdict(faults)].join('\n')}\n`);
  return EXIT.ok;
}

function read(text: string): Invoice {
  try {
    return decodeInvoice(text);
  } catch (cause) {
    throw new UsageError((cause as Error).message, { cause });
  }
}

/** What JavaScript has as a date; an invoice may end far beyond it. */
const LAST_SECOND = 8_640_000_000_000;
const iso = (seconds: number): string => (seconds > LAST_SECOND ? 'never' : new Date(seconds * 1000).toISOString());

const fieldsOf = (invoice: Invoice): Fields => ({
  network: invoice.network,
  ...(invoice.amount === undefined ? {} : { amount_msat: invoice.amount }),
  payee: invoice.payee,
  payment_hash: invoice.paymentHash,
  ...(invoice.description === undefined ? {} : { description: invoice.description }),
  ...(invoice.descriptionHash === undefined ? {} : { description_hash: invoice.descriptionHash }),
  made_at: iso(invoice.timestamp),
  expires_at: iso(invoice.timestamp + invoice.expirySeconds),
  min_final_cltv_expiry_delta: invoice.minFinalCltvExpiryDelta,
  features: invoice.features.join(','),
  route_hints: invoice.routeHints.length,
});

function linesOf(invoice: Invoice, expiresAt: number): readonly string[] {
  const { amount, description, descriptionHash } = invoice;
  const hops = invoice.routeHints.flatMap((hint, i) =>
    hint.map(
      (hop) =>
        `  hint ${i + 1}       ${hop.nodeId} ${formatScid(hop.scid)}, ${hop.feeBaseMsat} msat + ${hop.feeProportionalPpm} ppm, ` +
        `CLTV ${hop.cltvExpiryDelta}`,
    ),
  );
  return [
    `  network      ${invoice.network}`,
    `  amount       ${amount === undefined ? 'the payer decides' : formatSat(amount)}`,
    // The payee's own words: nothing that a terminal would act upon.
    `  for          ${description === undefined ? `a description of hash ${descriptionHash}` : printable(description)}`,
    `  payee        ${invoice.payee}`,
    `  hash         ${invoice.paymentHash}`,
    `  made         ${iso(invoice.timestamp)}`,
    `  ends         ${iso(expiresAt)}${Date.now() / 1000 > expiresAt ? ' (it is over)' : ''}`,
    `  final CLTV   ${invoice.minFinalCltvExpiryDelta} blocks`,
    `  features     ${invoice.features.join(', ')}`,
    ...hops,
  ];
}

const verdict = (faults: readonly JitInvoiceFault[]): readonly string[] =>
  faults.length === 0
    ? ['It has the form of an invoice for a JIT channel (bLIP-52 section 3).']
    : ['It is not an invoice for a JIT channel (bLIP-52 section 3):', ...faults.map((fault) => `  - ${FAULTS[fault]}`)];

const printable = (text: string): string => JSON.stringify(text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?'));
