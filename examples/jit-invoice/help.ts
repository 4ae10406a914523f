export const HELP = `jit-invoice - receive a Lightning payment through a channel that does not exist yet (LSPS2)

Usage
  jit-invoice demo [options]     a payer, an LSP and a wallet on real LDK nodes in this process
  jit-invoice --help | --version

Options of demo
  --amount AMOUNT     what the payer pays, as 250000sat or 250000000msat      (default 250000sat)
  --parts N           in how many parts, 1 to 30                              (default 1)
  --trust MODEL       lsp-trusts-client or client-trusts-lsp                  (default lsp-trusts-client)
  --max-fee AMOUNT    the most that the wallet pays for the channel           (default: no limit but the payment)
  --timeout SECONDS   how long the wallet waits for its money                 (default 60)
  --bitcoind URL      a regtest bitcoind, http://user:password@127.0.0.1:18443  (default: a chain in memory)
  --cheat KIND        overcharge           the LSP keeps 1 msat more than it promised
                      public-channel       the LSP opens an announced channel instead of the private one it sold
                      unsolicited-channel  a stranger opens a zero-conf channel
  --json              one JSON object per line on stdout, amounts as decimal strings; the last is "done", "refused" or "failed"

Exit codes
  0  the wallet was paid, and every millisatoshi adds up
  1  anything that has no code of its own
  2  wrong usage
  3  the LSP cannot be reached, or is silent
  4  the LSP's terms say no (below its minimum, above its maximum, fee not below the payment, any error it answers)
  5  your limits say no
  6  the wallet refused the channel or the payment
  7  not paid in time

The demo needs the package lightningdevkit (npm install lightningdevkit@0.1.2-0) and nothing else.
`;
