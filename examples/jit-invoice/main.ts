#!/usr/bin/env node
import { createRequire } from 'node:module';
import { EXIT, type ExitCode, exitCodeOf, messageOf } from './exitCode.ts';
import { HELP } from './help.ts';
import { parseCommand } from './options.ts';
import { reporter } from './reporter.ts';

function version(): string {
  const { version: own } = createRequire(import.meta.url)('lsps2/package.json') as { version: string };
  return own;
}

/** Each command loads what it needs, and no more: to ask for a price takes no Lightning node. */
async function run(argv: readonly string[]): Promise<ExitCode> {
  const command = parseCommand(argv);
  switch (command.name) {
    case 'quote':
      return (await import('./quote.ts')).quote(command.options, reporter(command.options.json));
    case 'decode':
      return (await import('./decode.ts')).decode(command.options, reporter(command.options.json));
    case 'receive':
      return (await import('./receive.ts')).receive(command.options, reporter(command.options.json));
    case 'doctor':
      return (await import('./doctor.ts')).doctor(command.options, reporter(command.options.json));
    case 'lsp':
      return (await import('./lsp.ts')).runLsp(command.options, reporter(command.options.json));
    case 'demo':
      return (await import('./demo.ts')).demo(command.options, reporter(command.options.json));
    case 'help':
    case 'version':
      process.stdout.write(command.name === 'help' ? HELP : `${version()}\n`);
      return EXIT.ok;
  }
}

/** A pipe whose reader went away (`jit-invoice demo | head`) is no reason for a stack trace. */
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => process.exit(EXIT.other));

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`jit-invoice: ${messageOf(error)}\n`);
  process.exitCode = exitCodeOf(error);
}
// LDK's timers and sockets are stopped; what WebAssembly still holds must not keep the process.
process.exit();
