export const HELP = `jit-invoice - receive a Lightning payment through a channel that does not exist yet (LSPS2)

Usage
  jit-invoice quote URI... [options]    what a channel costs at each LSP, side by side; takes nothing but Node
  jit-invoice decode INVOICE [--json]   explains an invoice, and checks it against bLIP-52's rules
  jit-invoice receive URI [options]     a wallet on an LDK node (regtest), on your lnd or Core Lightning: quote, buy, be paid, verify
  jit-invoice doctor [options]          what your lnd or Core Lightning lacks to be paid so, and how to mend it; buys nothing
  jit-invoice demo [options]            a payer, an LSP and a wallet on real LDK nodes in this process
  jit-invoice lsp [options]             an LSP on a real LDK node that others can connect to (regtest only)
  jit-invoice --help | --version

  URI is nodeid@host:port, or nodeid@wss://host/path where the LSP is reached by WebSocket.

Options of quote
  --amount AMOUNT     what the payer pays, as 250000sat or 250000000msat      (default: the payer decides)
  --token TOKEN       a token that the LSPs know
  --key FILE          the private key to ask with; made, for its owner alone, where there is none yet  (default: a key of this moment)
  --timeout SECONDS   how long an LSP may take to be reached, and to answer   (default 15; 60 with --proxy)
  --proxy HOST:PORT   a SOCKS5 proxy, as Tor's 127.0.0.1:9050
  --json              one JSON object per line on stdout for each LSP: "quoted" or "unusable"
  The exit code is 0 when one LSP can serve, else that of the first one's trouble.

Options of receive
  --node NODE         ldk: a node of this process, on a regtest; lnd, cln: yours  (default ldk)
  --bitcoind URL      of ldk: a regtest bitcoind, http://user:password@127.0.0.1:18443
  --rpc HOST:PORT     of lnd and cln: its gRPC                                (default 127.0.0.1:10009; of cln 127.0.0.1:9736)
  --tls-cert FILE     of lnd: its tls.cert
  --macaroon FILE     of lnd: a macaroon; docs/lnd.md bakes the least one. lnd needs --data, too
  --certs DIR         of cln: where its ca.pem, client.pem and client-key.pem lie, as ~/.lightning/bitcoin
  --gates GATES       of cln: plugin, where lightningd runs lsps2-cln-plugin; stock, its own cln-lsps-client, which checks
                      neither channels nor single fees; needs --data (docs/cln.md)  (default plugin)
  --unverified-fees   of --gates stock: takes payments whose amount the payer decides, though nobody can check their fee
  --amount AMOUNT     what the payer pays                                     (default: the payer decides)
  --max-fee AMOUNT    the most that the wallet pays for the channel           (default: you are asked)
  --trust MODEL       lsp-trusts-client or client-trusts-lsp                  (default: either)
  --token TOKEN       a token that the LSP knows
  --description TEXT  what the payer reads                                    (default jit-invoice)
  --data DIR          where everything is kept; started again on it, the wallet goes on where it was  (default: in memory)
  --timeout SECONDS   how long the wallet waits for its money                 (default 3600)
  --yes               buys without asking; needs --max-fee
  --json              one JSON object per line on stdout; the last is "received" or "failed". Needs --yes

Options of doctor
  --node NODE         lnd or cln                                              (default lnd)
  --rpc, --tls-cert, --macaroon, --certs, --gates as of receive
  --json              one JSON object per line on stdout for each check: "checked", with grade good, risk, bad or unknown
  The exit code is 0 when nothing is bad, else 1.

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

Options of lsp
  --listen HOST:PORT  where peers connect; port 0 picks a free one            (default 127.0.0.1:9735)
  --listen-ws HOST:PORT  where browsers connect, by WebSocket                 (default: nowhere)
  --data DIR          where everything is kept; started again on it, the LSP goes on where it was  (default: in memory)
  --bitcoind URL      a regtest bitcoind, http://user:password@127.0.0.1:18443  (default: a chain of its own, in memory:
                      it quotes and sells, but nobody can pay)
  --fee-ppm N         the proportional part of the opening fee                (default 10000, which is 1 %)
  --min-fee AMOUNT    the least that it charges                               (default 1000sat)
  --trust MODEL       lsp-trusts-client or client-trusts-lsp                  (default lsp-trusts-client)
  --token TOKEN       serves only clients that give this token in lsps2.get_info
  --json              one JSON object per line on stdout: every event; "listening" has the "uri"
  Ctrl-C stops it in order: steps under way are finished, what waits goes on after the next start.

Exit codes
  0  the wallet was paid, and every millisatoshi adds up
  1  anything that has no code of its own
  2  wrong usage
  3  the LSP cannot be reached, or is silent
  4  the LSP's terms say no (below its minimum, above its maximum, fee not below the payment, any error it answers)
  5  your limits say no, or you did
  6  the wallet refused the channel or the payment
  7  not paid in time

demo, lsp, and receive on ldk need the package lightningdevkit (npm install lightningdevkit@0.1.2-0); --data needs libsql (npm install
libsql@0.5.29), --node lnd and cln gRPC (npm install @grpc/grpc-js@1.14.7 @bufbuild/protobuf@2.17.0), --listen-ws, and WebSocket on Node 20, ws (npm install ws@8.23.0), --proxy socks (npm install socks@2.8.10).
`;
