import { Lsps2Error } from '../core/errors.ts';
import type { Unfit } from '../protocol/lsps2/menu.ts';

/** Why an LSP's terms cannot serve. */
export type TermsReason = Unfit | 'nothing_offered' | 'no_lsps2' | 'to_self_delay_too_long' | 'not_the_quote';

/** The LSP's terms do not fit this payment or this node. Ask for another amount, or ask another LSP. */
export class TermsError extends Lsps2Error {
  readonly code = 'terms';
  readonly reason: TermsReason;

  constructor(reason: TermsReason, message: string) {
    super(message);
    this.reason = reason;
  }
}
