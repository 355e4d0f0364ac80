import type { DatabaseSync } from 'node:sqlite';
import type { ClientSign, ConsumerRecord, ProducerRecord } from './client-records.ts';
import type { SubscriptionType } from './subscription-type.ts';

/**
 * The tables `producers` and `consumers`. Plain statements: the caller brings the transaction, and turns
 * errors into its own.
 */
export class SqliteClients {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  producers(): ProducerRecord[] {
    return this.#all('SELECT * FROM producers').map((row) => ({
      id: row['id'] as bigint,
      topic: String(row['topic']),
      name: String(row['name']),
      exclusive: row['exclusive'] === 1n,
      lastSeenMs: Number(row['last_seen_ms']),
    }));
  }

  consumers(): ConsumerRecord[] {
    return this.#all('SELECT * FROM consumers').map((row) => ({
      id: row['id'] as bigint,
      topic: String(row['topic']),
      subscription: String(row['subscription']),
      name: String(row['name']),
      type: row['type'] as SubscriptionType, // The CHECK constraint holds no other.
      left: row['has_left'] === 1n,
      lastSeenMs: Number(row['last_seen_ms']),
    }));
  }

  putProducer({ id, topic, name, exclusive, lastSeenMs }: ProducerRecord): void {
    this.#run(
      'DELETE FROM producers WHERE topic = ? AND id <> ? AND (name = ? OR exclusive = 1 OR ? = 1)',
      topic,
      id,
      name,
      Number(exclusive),
    );
    this.#run(
      `INSERT INTO producers (id, topic, name, exclusive, last_seen_ms) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET exclusive = excluded.exclusive, last_seen_ms = excluded.last_seen_ms`,
      id,
      topic,
      name,
      Number(exclusive),
      lastSeenMs,
    );
  }

  putConsumer({ id, topic, subscription, name, type, left, lastSeenMs }: ConsumerRecord): void {
    this.#run(
      `DELETE FROM consumers WHERE topic = ? AND subscription = ? AND id <> ? AND (name = ? OR ? = 'exclusive')`,
      topic,
      subscription,
      id,
      name,
      type,
    );
    this.#run(
      `INSERT INTO consumers (id, topic, subscription, name, type, has_left, last_seen_ms) VALUES (?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET has_left = excluded.has_left, last_seen_ms = excluded.last_seen_ms`,
      id,
      topic,
      subscription,
      name,
      type,
      Number(left),
      lastSeenMs,
    );
    // One type a subscription. That of a non-reliable topic is kept nowhere but here.
    this.#run(
      'UPDATE consumers SET type = ? WHERE topic = ? AND subscription = ?',
      type,
      topic,
      subscription,
    );
    this.#run('UPDATE subscriptions SET type = ? WHERE topic = ? AND name = ?', type, topic, subscription);
  }

  saveSigns(signs: readonly ClientSign[]): void {
    const producer = this.#database.prepare('UPDATE producers SET last_seen_ms = ? WHERE id = ?');
    const consumer = this.#database.prepare(
      'UPDATE consumers SET last_seen_ms = ?, has_left = ? WHERE id = ?',
    );
    for (const { id, lastSeenMs, left } of signs) {
      // Random ids: no producer has a consumer's.
      if (producer.run(lastSeenMs, id).changes === 0) consumer.run(lastSeenMs, Number(left), id);
    }
  }

  remove(ids: readonly bigint[]): void {
    const producer = this.#database.prepare('DELETE FROM producers WHERE id = ?');
    const consumer = this.#database.prepare('DELETE FROM consumers WHERE id = ?');
    for (const id of ids) if (producer.run(id).changes === 0) consumer.run(id);
  }

  removeConsumersOf(topic: string, subscription: string): void {
    this.#run('DELETE FROM consumers WHERE topic = ? AND subscription = ?', topic, subscription);
  }

  #all(sql: string): Record<string, unknown>[] {
    const statement = this.#database.prepare(sql);
    statement.setReadBigInts(true); // Ids have 62 bits.
    return statement.all();
  }

  #run(sql: string, ...values: (string | number | bigint)[]): void {
    this.#database.prepare(sql).run(...values);
  }
}
