/** The error codes of bLIP-52. */
export const LSPS2_ERROR = {
  unrecognized_or_stale_token: 200,
  invalid_opening_fee_params: 201,
  payment_size_too_small: 202,
  payment_size_too_large: 203,
} as const;
