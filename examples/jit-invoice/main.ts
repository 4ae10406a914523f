#!/usr/bin/env node
import { createRequire } from 'node:module';
import { demo } from './demo.ts';
import { EXIT, type ExitCode, exitCodeOf, messageOf } from './exitCode.ts';
import { HELP } from './help.ts';
import { runLsp } from './lsp.ts';
import { parseCommand } from './options.ts';
import { reporter } from './reporter.ts';

function version(): string {
  const { version: own } = createRequire(import.meta.url)('lsps2/package.json') as { version: string };
  return own;
}

async function run(argv: readonly string[]): Promise<ExitCode> {
  const command = parseCommand(argv);
  if (command.name === 'lsp') return runLsp(command.options, reporter(command.options.json));
  if (command.name === 'demo') return demo(command.options, reporter(command.options.json));
  process.stdout.write(command.name === 'help' ? HELP : `${version()}\n`);
  return EXIT.ok;
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
