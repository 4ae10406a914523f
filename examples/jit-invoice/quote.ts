import { asker, type FixedQuote, type AnyQuote, type Unusable, parseUri } from 'lsps2';
import { peers, tcp, type Transport } from 'lsps2/tcp';
import { webSocket } from 'lsps2/websocket';
import { EXIT, type ExitCode, exitCodeOf, messageOf } from './exitCode.ts';
import { keyOf } from './keyFile.ts';
import type { QuoteOptions } from './quoteOptions.ts';
import { quoteTable, type Row } from './quoteTable.ts';
import type { Fields, Reporter } from './reporter.ts';
import { loadWs } from './wsRelay.ts';

/** Asks LSPs for their price, all at once, with no node. One that fails does not stop the others. */
export async function quote(options: QuoteOptions, report: Reporter): Promise<ExitCode> {
  const secret = options.key === undefined ? undefined : keyOf(options.key);
  const here = peers({ transports: transportsFor(options), ...(secret ? { secret } : {}) });
  const { token } = options;
  const lsps = options.lsps.map((uri) => ({ uri, ...(token === undefined ? {} : { token }) }));
  const asked = asker({ peers: here, lsps, requestTimeoutMs: options.timeoutSeconds * 1000 });
  try {
    report.waiting(`asking ${lsps.length === 1 ? 'the LSP' : `${lsps.length} LSPs`}`);
    const { amount } = options;
    const { best, all } = await (amount === 'any' ? asked.quotes({ amount }) : asked.quotes({ amount }));
    report.close();
    const rows: Row[] = all.map((found) => ({ found, best: found === best }));
    if (!options.json) process.stdout.write(quoteTable(rows));
    else for (const row of rows) report.tell('error' in row.found ? 'unusable' : 'quoted', fieldsOf(row));
    return best ? EXIT.ok : exitCodeOf(all.map((each) => ('error' in each ? each.error : undefined))[0]);
  } finally {
    asked.close();
    here.close();
    report.close();
  }
}

function transportsFor({ proxy, lsps }: QuoteOptions): readonly Transport[] {
  const given = lsps.some((uri) => parseUri(uri).url) && !('WebSocket' in globalThis) ? loadWs() : undefined;
  return [tcp(proxy ? { proxy } : {}), webSocket(given ? { WebSocket: given.WebSocket } : {})];
}

function fieldsOf({ found, best }: Row): Fields {
  const { lsp, protocols } = found;
  const common = { lsp, ...(protocols ? { protocols: protocols.join(',') } : {}) };
  if ('error' in found) return { ...common, ...whyNot(found) };
  return { ...common, best, ...priceOf(found), ...termsOf(found) };
}

function whyNot({ error }: Unusable): Fields {
  const { code, reason, limit, detail } = error as Record<'code' | 'reason' | 'limit' | 'detail', string | undefined>;
  return {
    code: code ?? 'other',
    reason: reason ?? limit ?? '',
    message: messageOf(error),
    ...(detail ? { detail } : {}),
    exit_code: exitCodeOf(error),
  };
}

const priceOf = (found: FixedQuote | AnyQuote): Fields =>
  found.kind === 'fixed'
    ? {
        payment_size_msat: found.paymentSize,
        opening_fee_msat: found.openingFee,
        net_msat: found.net,
        fee_ppm: found.feePpm,
      }
    : {};

const termsOf = ({ params, entry, menu }: FixedQuote | AnyQuote): Fields => ({
  menu_entry: entry,
  menu_entries: menu.length,
  min_fee_msat: params.minFee,
  proportional_ppm: params.proportionalPpm,
  min_payment_size_msat: params.minPaymentSize,
  max_payment_size_msat: params.maxPaymentSize,
  valid_until: new Date(params.validUntil * 1000).toISOString(),
  max_client_to_self_delay_blocks: params.maxClientToSelfDelayBlocks,
  min_lifetime_blocks: params.minLifetimeBlocks,
});
