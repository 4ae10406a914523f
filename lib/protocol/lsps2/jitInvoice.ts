import { FEATURE, hasFeature } from '../bolt1/features.ts';
import type { Invoice, RouteHop } from '../bolt11/invoice.ts';

/** Which rule of bLIP-52 section 3 an invoice breaks; what takes the LSP's answer to know is not judged. */
export type JitInvoiceFault =
  | 'no_route_hint'
  | 'several_route_hints'
  | 'several_hops'
  | 'routing_fee'
  | 'amount_without_mpp'
  | 'mpp_without_amount';

/**
 * Judges an invoice as one of a JIT channel: `hop` is the way in, where there is just one. Without faults it may be one; whether its scid
 * was sold, and its expiry and CLTV deltas are those of the offer, only its two makers know.
 */
export function judgeJitInvoice({ routeHints, features, amount }: Invoice): {
  readonly hop: RouteHop | undefined;
  readonly faults: readonly JitInvoiceFault[];
} {
  const [hint, ...hints] = routeHints;
  const [hop, ...hops] = hint ?? [];
  const mpp = hasFeature(features, FEATURE.basicMpp);
  const rules: readonly (readonly [boolean, JitInvoiceFault])[] = [
    [hop === undefined, 'no_route_hint'],
    [hints.length > 0, 'several_route_hints'],
    [hops.length > 0, 'several_hops'],
    [hop !== undefined && (hop.feeBaseMsat !== 0 || hop.feeProportionalPpm !== 0), 'routing_fee'],
    [amount !== undefined && !mpp, 'amount_without_mpp'],
    [amount === undefined && mpp, 'mpp_without_amount'],
  ];
  const single = hints.length === 0 && hops.length === 0 ? hop : undefined;
  return { hop: single, faults: rules.flatMap(([broken, fault]) => (broken ? [fault] : [])) };
}
