import type { PersistentStorage } from '@danube/storage';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { BrokerError, codeOf } from '../errors.ts';
import type { DispatchStrategy } from '../metadata/metadata-store.ts';
import { type FanOut, reliableDispatcherOf, type Topic } from '../topics/topic.ts';

/** Where gauges look at the moment somebody asks. */
export interface MetricsSources {
  readonly storage: Pick<PersistentStorage, 'stats'>;
  readonly topics: () => readonly Topic[];
  readonly clientCounts: () => { readonly producers: number; readonly consumers: number };
}

/** What the broker tells its metrics, and how they are read. One set a broker; nothing is global. */
export interface Metrics {
  /** Adds the gauges that look into a running broker. Call once. */
  watch(sources: MetricsSources): void;
  /** A producer was answered; for reliable topics the message is then as durable as the sync mode says. */
  sendAcked(topic: string, dispatch: DispatchStrategy, bytes: number, elapsedMs: number): void;
  fannedOut(topic: string, result: FanOut): void;
  delivered(topic: string, subscription: string, redelivery: boolean): void;
  consumerAcked(topic: string, subscription: string): void;
  skipped(topic: string, subscription: string, count: number): void;
  requestFailed(method: string, error: unknown): void;
  /** A commit was confirmed. */
  committed(topic: string, rows: number, bytes: number, durationMs: number, lagMs: number): void;
  /** The exposition format, and its content type. */
  render(): Promise<{ readonly contentType: string; readonly body: string }>;
}

const ackBuckets = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];
const commitBuckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const lagBuckets = [0.1, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 300, 900, 3600];

/** Makes an empty set of metrics. Every name begins with `danube_`; times are seconds, sizes bytes. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry, prefix: 'danube_' });
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new Counter<Label>({ name: `danube_${name}`, help, labelNames: [...labelNames], registers });
  const histogram = <Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    buckets: number[],
  ) =>
    new Histogram<Label>({ name: `danube_${name}`, help, labelNames: [...labelNames], buckets, registers });

  const acks = counter('producer_acks_total', 'Messages acknowledged to producers.', ['topic', 'dispatch']);
  const ackedBytes = counter('producer_acked_bytes_total', 'Payload bytes acknowledged to producers.', [
    'topic',
    'dispatch',
  ]);
  const ackSeconds = histogram(
    'producer_ack_seconds',
    'Time from the arrival of a message to its acknowledgement.',
    ['dispatch'],
    ackBuckets,
  );
  const dropped = counter(
    'dropped_messages_total',
    'Messages of non-reliable topics that a subscription had no ready consumer for.',
    ['topic'],
  );
  const deliveries = counter('deliveries_total', 'Messages handed to consumers of reliable topics.', [
    'topic',
    'subscription',
  ]);
  const redeliveries = counter('redeliveries_total', 'Of these, deliveries after the first.', [
    'topic',
    'subscription',
  ]);
  const consumerAcks = counter('consumer_acks_total', 'Acknowledgements by consumers that were new.', [
    'topic',
    'subscription',
  ]);
  const skippedOffsets = counter(
    'skipped_offsets_total',
    'Offsets passed over because they no longer hold a message.',
    ['topic', 'subscription'],
  );
  const failures = counter('request_failures_total', 'Requests answered with an error.', ['method', 'code']);
  const rows = counter('committed_rows_total', 'Messages that became rows of tables.', ['topic']);
  const commitBytes = counter('committed_bytes_total', 'Parquet bytes committed.', ['topic']);
  const commitSeconds = histogram(
    'commit_seconds',
    'Duration of commits, encoding and upload included.',
    [],
    commitBuckets,
  );
  const commitLag = histogram(
    'commit_visibility_seconds',
    'Age of the oldest message of a commit when it became visible.',
    [],
    lagBuckets,
  );

  return {
    watch: (sources) => watch(registry, sources),
    sendAcked(topic, dispatch, bytes, elapsedMs) {
      acks.inc({ topic, dispatch });
      ackedBytes.inc({ topic, dispatch }, bytes);
      ackSeconds.observe({ dispatch }, elapsedMs / 1000);
    },
    fannedOut: (topic, result) => dropped.inc({ topic }, result.dropped),
    delivered(topic, subscription, redelivery) {
      deliveries.inc({ topic, subscription });
      if (redelivery) redeliveries.inc({ topic, subscription });
    },
    consumerAcked: (topic, subscription) => consumerAcks.inc({ topic, subscription }),
    skipped: (topic, subscription, count) => skippedOffsets.inc({ topic, subscription }, count),
    requestFailed: (method, error) =>
      failures.inc({
        method: method.slice(method.lastIndexOf('/') + 1),
        code: BrokerError.is(error) ? error.code : (codeOf(error) ?? 'UNEXPECTED'),
      }),
    committed(topic, rowCount, bytes, durationMs, lagMs) {
      rows.inc({ topic }, rowCount);
      commitBytes.inc({ topic }, bytes);
      commitSeconds.observe(durationMs / 1000);
      commitLag.observe(lagMs / 1000);
    },
    render: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
  };
}

function watch(registry: Registry, { storage, topics, clientCounts }: MetricsSources): void {
  const registers = [registry];
  type Values = Iterable<readonly [Record<string, string>, number]>;
  const gauge = (name: string, help: string, labelNames: string[], read: () => Values) =>
    new Gauge({
      name: `danube_${name}`,
      help,
      labelNames,
      registers,
      collect() {
        this.reset(); // Topics and subscriptions come and go.
        for (const [labels, value] of read()) this.set(labels, value);
      },
    });
  const perTopic = (read: (topic: ReturnType<typeof storage.stats>['topics'][number]) => number) => () =>
    storage.stats().topics.map((topic) => [{ topic: topic.topic }, read(topic)] as const);
  const overall = (read: (stats: ReturnType<typeof storage.stats>) => number) => () => [
    [{}, read(storage.stats())] as const,
  ];

  gauge(
    'topic_next_offset',
    'Offset of the next append.',
    ['topic'],
    perTopic((topic) => topic.nextOffset),
  );
  gauge(
    'topic_durable_offset',
    'Highest offset on disk, -1 before the first.',
    ['topic'],
    perTopic((topic) => topic.durableOffset),
  );
  gauge(
    'topic_committed_offset',
    'Highest offset the table confirmed, -1 before the first.',
    ['topic'],
    perTopic((topic) => topic.committedThrough),
  );
  gauge(
    'topic_appended_messages',
    'Messages appended since start.',
    ['topic'],
    perTopic((topic) => topic.appendedMessages),
  );
  gauge(
    'topic_acked_messages',
    'Messages the log acknowledged since start.',
    ['topic'],
    perTopic((topic) => topic.ackedMessages),
  );
  gauge(
    'topic_unflushed_bytes',
    'Bytes not yet confirmed by the table.',
    ['topic'],
    perTopic((topic) => topic.unflushedBytes),
  );
  gauge(
    'topic_visibility_lag_seconds',
    'Age of the oldest message not yet confirmed by the table.',
    ['topic'],
    perTopic((topic) => topic.visibilityLagMs / 1000),
  );
  gauge(
    'topic_stopped',
    '1 for a topic that takes no appends until somebody decides; code says why.',
    ['topic', 'code'],
    () =>
      storage
        .stats()
        .topics.filter((topic) => topic.state === 'stopped')
        .map((topic) => [{ topic: topic.topic, code: topic.code ?? '' }, 1] as const),
  );
  gauge(
    'unflushed_bytes',
    'Bytes of all topics not yet confirmed by tables.',
    [],
    overall((stats) => stats.unflushedBytes),
  );
  gauge(
    'wal_bytes',
    'Size of the write-ahead log.',
    [],
    overall((stats) => stats.walBytes),
  );
  gauge(
    'commits',
    'Commits since start.',
    [],
    overall((stats) => stats.commits),
  );
  gauge(
    'commit_failures',
    'Commit attempts that failed since start.',
    [],
    overall((stats) => stats.commitFailures),
  );
  gauge('stops', 'Topics stopped since start.', ['code'], () =>
    Object.entries(storage.stats().stops).map(([code, count]) => [{ code }, count] as const),
  );
  gauge(
    'subscription_lag_messages',
    'Messages of the topic above the cursor of the subscription.',
    ['topic', 'subscription'],
    () => subscriptionValues(topics(), (lag) => lag.behind),
  );
  gauge(
    'subscription_unacked_messages',
    'Messages delivered and not acknowledged.',
    ['topic', 'subscription'],
    () => subscriptionValues(topics(), (lag) => lag.unacked),
  );
  gauge('producers', 'Producers registered.', [], () => [[{}, clientCounts().producers]]);
  gauge('consumers', 'Consumers registered.', [], () => [[{}, clientCounts().consumers]]);
}

function* subscriptionValues(
  topics: readonly Topic[],
  read: (lag: { behind: number; unacked: number }) => number,
): Generator<readonly [Record<string, string>, number]> {
  for (const topic of topics) {
    for (const subscription of topic.subscriptions.values()) {
      const dispatcher = reliableDispatcherOf(subscription);
      if (dispatcher === undefined || topic.log === undefined) continue;
      const lag = { behind: topic.log.nextOffset - 1 - dispatcher.cursor, unacked: dispatcher.unacked };
      yield [{ topic: topic.name, subscription: subscription.name }, read(lag)];
    }
  }
}
