#!/usr/bin/env node
import { runCommandLine } from './cli.ts';
import { processTerminal } from './commands/terminal.ts';

// The code alone ends the process, which leaves time for output to be written; the timer is for whatever
// still holds it (a connection that a client keeps open, say).
process.exitCode = await runCommandLine(process.argv.slice(2), processTerminal());
setTimeout(() => process.exit(), 2_000).unref();
