import { Writable } from 'node:stream';
import { pino } from 'pino';

export type { Logger } from 'pino';

import type { Logger } from 'pino';

/**
 * Makes the broker's logger. It writes to stderr, synchronously so that the last line before a kill is there:
 * JSON lines when stderr goes to a file or pipe, readable lines on a terminal.
 */
export function createLogger(level: string, terminal = process.stderr.isTTY === true): Logger {
  const options = {
    level,
    base: null,
    redact: { paths: ['*.token', '*.credential', '*.secret_access_key', '*.session_token'], remove: true },
  };
  return pino(options, terminal ? readableStream() : jsonStream());
}

/** A logger that says nothing, for tests and embedding. */
export function silentLogger(): Logger {
  return pino({ level: 'silent' });
}

const levelNames: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
};

function jsonStream() {
  const stream = pino.destination({ dest: 2, sync: true });
  stream.on('error', () => {}); // A log that nobody can read (disk full, reader gone) must not end the broker.
  return stream;
}

function readableStream(): Writable {
  return new Writable({
    decodeStrings: false,
    write(line: string | Buffer, _encoding, done) {
      process.stderr.write(`${formatLine(String(line))}\n`);
      done();
    },
  });
}

/** One JSON log line as `12:34:56 info  Message key=value`. Text that is not JSON stays as it is. */
export function formatLine(line: string): string {
  let entry: Record<string, unknown>;
  try {
    entry = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return line.trimEnd();
  }
  const { level, time, msg, err, ...rest } = entry;
  const clock = new Date(Number(time)).toTimeString().slice(0, 8);
  const facts = Object.entries(rest).map(
    ([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  const message =
    typeof err === 'object' && err !== null && 'message' in err ? `: ${String(err.message)}` : '';
  return `${clock} ${(levelNames[Number(level)] ?? String(level)).padEnd(5)} ${String(msg ?? '')}${message}${facts.join('')}`;
}
