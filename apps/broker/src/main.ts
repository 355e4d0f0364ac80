#!/usr/bin/env node
import { createProgram } from './cli.ts';
import { processTerminal } from './commands/terminal.ts';

// The code alone ends the process, which leaves time for output to be written; the timer is for whatever
// still holds it (a connection a client keeps open, say).
const program = createProgram(processTerminal(), (code) => {
  process.exitCode = code;
  setTimeout(() => process.exit(code), 2_000).unref();
});
await program.parseAsync();
