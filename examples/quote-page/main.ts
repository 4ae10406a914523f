import { asker, type FixedQuote, formatSat, sat } from 'lsps2';
import { describeError } from 'lsps2/text';
import { peers, webSocket } from 'lsps2/websocket';

/** Longer than this nobody looks at a page. */
const TIMEOUT_MS = 15_000;

const form = document.querySelector<HTMLFormElement>('#ask');
const answer = document.querySelector<HTMLElement>('#answer');
const button = form?.querySelector('button');

/** Connects, asks, and hangs up. @throws what the LSP, or the way to it, has gone wrong with. */
async function quote(lsp: string, amountSat: bigint): Promise<FixedQuote> {
  const here = peers({ transports: [webSocket()] });
  const asked = asker({ peers: here, lsps: [lsp], requestTimeoutMs: TIMEOUT_MS });
  try {
    const { best, all } = await asked.quotes({ amount: sat(amountSat) });
    if (best) return best;
    const [only] = all;
    throw only && 'error' in only ? only.error : new Error('there is no LSP');
  } finally {
    asked.close();
    here.close();
  }
}

/** Text only: what an LSP says never becomes a part of the page. */
function element(tag: string, text: string, className = ''): HTMLElement {
  const made = document.createElement(tag);
  made.textContent = text;
  made.className = className;
  return made;
}

function show(...children: readonly HTMLElement[]): void {
  answer?.replaceChildren(...children);
  if (answer) answer.hidden = false;
}

function showQuote(found: FixedQuote): void {
  const list = document.createElement('dl');
  const row = (name: string, value: string, className?: string) =>
    list.append(element('dt', name), element('dd', value, className));
  row('The channel costs', formatSat(found.openingFee), 'fee');
  row('That is', `${(found.feePpm / 10_000).toFixed(2)} %`);
  row('You get', formatSat(found.net));
  row('Payments from', formatSat(found.minPaymentSize));
  row('to', formatSat(found.maxPaymentSize));
  row('The offer holds until', new Date(found.validUntil * 1000).toLocaleString());
  row('The channel stays for', `${found.params.minLifetimeBlocks} blocks`);
  show(list);
}

async function ask(): Promise<void> {
  const field = (name: string) => form?.querySelector<HTMLInputElement>(`#${name}`)?.value.trim() ?? '';
  button?.setAttribute('disabled', '');
  show(element('p', 'Asking the LSP …'));
  try {
    showQuote(await quote(field('lsp'), BigInt(field('amount'))));
  } catch (error) {
    show(element('p', describeError(error), 'error'));
  } finally {
    button?.removeAttribute('disabled');
  }
}

// A link may bring the LSP along: ?lsp=nodeid@wss://host/path&amount=250000
for (const [name, value] of new URLSearchParams(location.search)) {
  const input = form?.querySelector<HTMLInputElement>(`input[name="${CSS.escape(name)}"]`);
  if (input) input.value = value;
}
form?.addEventListener('submit', (event) => {
  event.preventDefault();
  void ask();
});
