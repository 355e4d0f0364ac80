import type { DatabaseSync } from 'node:sqlite';
import { BrokerError } from '../errors.ts';

/** Each step leads from its index to the next layout (`PRAGMA user_version`). Steps that were released never change. */
const STEPS: readonly string[] = [
  `
CREATE TABLE namespaces (name TEXT PRIMARY KEY, created_at_ms INTEGER NOT NULL) STRICT;
CREATE TABLE topics (
  name TEXT PRIMARY KEY,
  namespace TEXT NOT NULL REFERENCES namespaces (name),
  dispatch TEXT NOT NULL CHECK (dispatch IN ('reliable', 'non-reliable')),
  created_at_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE subscriptions (
  topic TEXT NOT NULL REFERENCES topics (name) ON DELETE CASCADE,
  name TEXT NOT NULL,
  type TEXT NOT NULL CHECK (type IN ('exclusive', 'shared')),
  PRIMARY KEY (topic, name)
) STRICT;
CREATE TABLE cursors (
  topic TEXT NOT NULL,
  subscription TEXT NOT NULL,
  acked_through INTEGER NOT NULL,
  PRIMARY KEY (topic, subscription),
  FOREIGN KEY (topic, subscription) REFERENCES subscriptions (topic, name) ON DELETE CASCADE
) STRICT;
`,
  `
CREATE TABLE producers (
  id INTEGER PRIMARY KEY,
  topic TEXT NOT NULL REFERENCES topics (name) ON DELETE CASCADE,
  name TEXT NOT NULL,
  exclusive INTEGER NOT NULL CHECK (exclusive IN (0, 1)),
  last_seen_ms INTEGER NOT NULL,
  UNIQUE (topic, name)
) STRICT;
CREATE TABLE consumers (
  id INTEGER PRIMARY KEY,
  topic TEXT NOT NULL REFERENCES topics (name) ON DELETE CASCADE,
  subscription TEXT NOT NULL,
  name TEXT NOT NULL,
  type TEXT NOT NULL CHECK (type IN ('exclusive', 'shared')),
  has_left INTEGER NOT NULL CHECK (has_left IN (0, 1)),
  last_seen_ms INTEGER NOT NULL,
  UNIQUE (topic, subscription, name)
) STRICT;
`,
];

/** The layout this version writes. */
export const LAYOUT = STEPS.length;

/**
 * Asserts durable writes, and brings the file to {@link LAYOUT} in one transaction: an interrupted migration
 * leaves the old layout.
 *
 * @throws BrokerError `METADATA_STORE_FAILED` for a newer layout, which is left untouched
 */
export function prepareDatabase(database: DatabaseSync, file: string): void {
  const pragma = (name: string) => Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0];
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON');
  if (pragma('journal_mode') !== 'wal' || pragma('synchronous') !== 2 || pragma('foreign_keys') !== 1) {
    throw new BrokerError(
      'METADATA_STORE_FAILED',
      `The metadata store ${file} refuses durable writes (journal mode WAL, synchronous FULL).`,
    );
  }
  const layout = Number(pragma('user_version'));
  if (layout > LAYOUT) {
    throw new BrokerError(
      'METADATA_STORE_FAILED',
      `The metadata store ${file} has layout ${layout}, this version knows layouts up to ${LAYOUT}: it was written by a newer broker.`,
    );
  }
  if (layout === LAYOUT) return;
  database.exec(`BEGIN; ${STEPS.slice(layout).join('')} PRAGMA user_version = ${LAYOUT}; COMMIT`);
}
