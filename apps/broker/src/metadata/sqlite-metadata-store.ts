import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { BrokerError, messageOf } from '../errors.ts';
import type {
  CursorUpdate,
  DispatchStrategy,
  MetadataStore,
  SubscriptionRecord,
  SubscriptionType,
  TopicRecord,
} from './metadata-store.ts';

/** `PRAGMA user_version` of the layout below; a higher one was written by a newer broker. */
const LAYOUT = 1;

const SCHEMA = `
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
`;

/**
 * Opens `broker.db`, creating it when it does not exist.
 *
 * Journal mode WAL with `synchronous=FULL`, both read back and asserted: a change that resolved survives
 * a power cut. Statements run on the calling thread (about 0.3 ms a transaction); the broker writes
 * cursors at most a few times a second. Copying the file of a running broker loses what is in its
 * `-wal` file: use `VACUUM INTO`.
 *
 * @throws BrokerError `METADATA_STORE_FAILED` (not a database, written by a newer version, not writable)
 */
export function openSqliteMetadataStore(file: string): MetadataStore {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file, { timeout: 2000 });
    prepareDatabase(database, file);
    return new SqliteMetadataStore(database);
  } catch (error) {
    database?.close();
    if (BrokerError.is(error)) throw error;
    throw new BrokerError(
      'METADATA_STORE_FAILED',
      `The metadata store ${file} cannot be opened: ${messageOf(error)}.`,
      {
        context: { file },
        cause: error,
      },
    );
  }
}

function prepareDatabase(database: DatabaseSync, file: string): void {
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
  if (layout === 0) database.exec(`BEGIN; ${SCHEMA} PRAGMA user_version = ${LAYOUT}; COMMIT`);
}

class SqliteMetadataStore implements MetadataStore {
  readonly #database: DatabaseSync;
  readonly #saveCursor: StatementSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#saveCursor = database.prepare(
      'UPDATE cursors SET acked_through = ? WHERE topic = ? AND subscription = ? AND acked_through < ?',
    );
  }

  async listNamespaces(): Promise<readonly string[]> {
    return this.#run(() =>
      this.#all('SELECT name FROM namespaces ORDER BY name').map((row) => String(row['name'])),
    );
  }

  async createNamespace(name: string): Promise<void> {
    this.#run(() => this.#insertNamespace(name));
  }

  async listTopics(): Promise<readonly TopicRecord[]> {
    return this.#run(() => this.#all('SELECT * FROM topics ORDER BY name').map(topicOf));
  }

  async createTopic(record: TopicRecord): Promise<TopicRecord> {
    return this.#transaction(() => {
      this.#insertNamespace(record.namespace);
      this.#database
        .prepare(
          'INSERT INTO topics (name, namespace, dispatch, created_at_ms) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
        )
        .run(record.name, record.namespace, record.dispatch, record.createdAtMs);
      return topicOf(this.#all('SELECT * FROM topics WHERE name = ?', record.name)[0]!);
    });
  }

  async deleteTopic(name: string): Promise<void> {
    this.#run(() => this.#database.prepare('DELETE FROM topics WHERE name = ?').run(name));
  }

  async listSubscriptions(topic: string): Promise<readonly SubscriptionRecord[]> {
    return this.#run(() => this.#subscriptions('WHERE topic = ? ORDER BY name', topic));
  }

  async putSubscription(record: SubscriptionRecord): Promise<SubscriptionRecord> {
    return this.#transaction(() => {
      this.#database
        .prepare(
          'INSERT INTO subscriptions (topic, name, type) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET type = excluded.type',
        )
        .run(record.topic, record.name, record.type);
      this.#database
        .prepare(
          'INSERT INTO cursors (topic, subscription, acked_through) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
        )
        .run(record.topic, record.name, record.cursor);
      return this.#subscriptions('WHERE topic = ? AND name = ?', record.topic, record.name)[0]!;
    });
  }

  async deleteSubscription(topic: string, name: string): Promise<void> {
    this.#run(() =>
      this.#database.prepare('DELETE FROM subscriptions WHERE topic = ? AND name = ?').run(topic, name),
    );
  }

  async saveCursors(updates: readonly CursorUpdate[]): Promise<void> {
    this.#transaction(() => {
      for (const { topic, subscription, cursor } of updates)
        this.#saveCursor.run(cursor, topic, subscription, cursor);
    });
  }

  async close(): Promise<void> {
    // The last connection to close moves the -wal file's content into the main file.
    if (this.#database.isOpen) this.#run(() => this.#database.close());
  }

  #insertNamespace(name: string): void {
    this.#database
      .prepare('INSERT INTO namespaces (name, created_at_ms) VALUES (?, ?) ON CONFLICT DO NOTHING')
      .run(name, Date.now());
  }

  #subscriptions(where: string, ...values: string[]): SubscriptionRecord[] {
    const rows = this.#all(
      `SELECT topic, name, type, acked_through FROM (SELECT s.topic, s.name, s.type, c.acked_through
         FROM subscriptions s JOIN cursors c ON c.topic = s.topic AND c.subscription = s.name) ${where}`,
      ...values,
    );
    return rows.map((row) => ({
      topic: String(row['topic']),
      name: String(row['name']),
      type: row['type'] as SubscriptionType, // The CHECK constraint holds no other.
      cursor: Number(row['acked_through']),
    }));
  }

  #all(sql: string, ...values: string[]): Record<string, unknown>[] {
    return this.#database.prepare(sql).all(...values);
  }

  #transaction<T>(work: () => T): T {
    return this.#run(() => {
      this.#database.exec('BEGIN IMMEDIATE');
      try {
        const result = work();
        this.#database.exec('COMMIT'); // Durable here.
        return result;
      } catch (error) {
        if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
        throw error;
      }
    });
  }

  #run<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw new BrokerError('METADATA_STORE_FAILED', `The metadata store failed: ${messageOf(error)}.`, {
        cause: error,
      });
    }
  }
}

function topicOf(row: Record<string, unknown>): TopicRecord {
  return {
    name: String(row['name']),
    namespace: String(row['namespace']),
    dispatch: row['dispatch'] as DispatchStrategy, // The CHECK constraint holds no other.
    createdAtMs: Number(row['created_at_ms']),
  };
}
