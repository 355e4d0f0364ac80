import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Consumer, connect, type Producer } from '@danube/client';
import { scanRows } from '@danube/iceberg';
import { type Broker, startBroker } from '../broker.ts';
import { catalogUri } from '../catalog/open-catalog.ts';
import { resolveConfig } from '../config/resolve-config.ts';
import type { BrokerSettings } from '../config/settings.ts';
import { createLogger } from '../log.ts';
import { encodePurchase, purchase, Turnover } from './demo-stream.ts';
import { findTable } from './find-table.ts';
import { ProgressBar } from './progress-bar.ts';
import { shutdownSignal } from './shutdown-signal.ts';
import { baseDirectory, programName, shellWord, type Terminal } from './terminal.ts';

/** Flags of the command. */
export interface DemoFlags {
  readonly dataDir?: string;
  readonly messages: number;
  readonly json?: boolean;
}

/** What `--json` prints, key for key. */
export interface DemoResult {
  readonly topic: string;
  /** Messages the broker acknowledged. */
  readonly acked: number;
  /** Distinct messages the consumer received. */
  readonly consumed: number;
  /** Rows that a fresh scan of `metadataLocation` returned. */
  readonly committed: number;
  readonly ackP50Ms: number;
  readonly ackP99Ms: number;
  /** `namespace.name` */
  readonly table: string;
  readonly metadataLocation: string;
  readonly catalogUri: string;
  readonly dataDir: string;
}

/** Sends under way at a time. */
const LANES = 16;
/** The consumer has failed when nothing came for this long. */
const STALL_MS = 30_000;
const COMMIT_TIMEOUT_MS = 60_000;

/**
 * Starts a broker on free ports, publishes a stream through the network API, consumes it, waits for the
 * Iceberg commit and queries the table with a fresh scan. Says so and returns 1 when the three counts differ.
 *
 * @returns the exit code
 */
export async function demo(flags: DemoFlags, terminal: Terminal, environment = process.env): Promise<number> {
  const told = shutdownSignal(() => {});
  const dataDir = flags.dataDir ?? mkdtempSync(join(tmpdir(), 'danube-demo-'));
  const settings = demoSettings(dataDir, baseDirectory(environment));
  const broker = await startBroker(settings, { logger: createLogger('warn') });
  void told.then(async (signal) => {
    await broker.stop().catch(() => {}); // Logged there.
    process.exit(signal === 'SIGINT' ? 130 : 143);
  });
  let result: DemoResult;
  try {
    result = await run(broker, flags.messages, terminal);
  } finally {
    await broker.stop();
  }
  return report(result, flags, terminal, programName(environment));
}

function demoSettings(dataDir: string, baseDir: string): BrokerSettings {
  // A window as large as the stream of acknowledgements needs, and a flush age at which one sees commits.
  const file = {
    dispatch: { max_unacked_messages: 1_000 },
    storage: { iceberg_config: { flush: { max_age_ms: 1_000 } } },
  };
  return resolveConfig(
    file,
    { dataDir, brokerAddr: '127.0.0.1:0', promExporter: '127.0.0.1:0' },
    { baseDir },
  );
}

async function run(broker: Broker, messages: number, terminal: Terminal): Promise<DemoResult> {
  const { settings, storage } = broker;
  const topic = freshTopic(storage.listTopics());
  terminal.out(`Broker at ${broker.url}, data in ${settings.dataDir}`);
  const client = connect({ serviceUrl: broker.url });
  let acks: { acked: number; sortedMs: Float64Array };
  let consumed: number;
  try {
    const producer = await client.createProducer({ topic, name: 'demo', dispatch: 'reliable' });
    const consumer = await client.subscribe({
      topic,
      subscription: 'demo',
      consumerName: 'demo',
      type: 'exclusive',
    });
    terminal.out(`Publishing ${messages} purchases to ${topic} and consuming them`);
    const consuming = consumeAll(consumer, messages);
    acks = await publish(producer, messages, terminal);
    consumed = await consuming;
  } finally {
    await client.close();
  }
  terminal.out('Waiting for the commit to the table');
  await storage.flush(topic, { signal: AbortSignal.timeout(COMMIT_TIMEOUT_MS) });
  const query = await queryTable(topic, settings);
  for (const line of query.turnover.lines()) terminal.out(`  ${line}`);
  return {
    topic,
    acked: acks.acked,
    consumed,
    committed: query.turnover.rows,
    ackP50Ms: percentile(acks.sortedMs, 0.5),
    ackP99Ms: percentile(acks.sortedMs, 0.99),
    table: query.table,
    metadataLocation: query.metadataLocation,
    catalogUri: catalogUri(settings.storage),
    dataDir: settings.dataDir,
  };
}

/** The demonstration counts a table's rows, so it never shares one with an earlier run. */
function freshTopic(taken: readonly string[]): string {
  const name = (run: number) => (run === 1 ? '/default/demo' : `/default/demo_${run}`);
  let run = 1;
  while (taken.includes(name(run))) run += 1;
  return name(run);
}

async function publish(
  producer: Producer,
  messages: number,
  terminal: Terminal,
): Promise<{ acked: number; sortedMs: Float64Array }> {
  const latenciesMs = new Float64Array(messages);
  const bar = new ProgressBar(terminal, 'published', messages);
  let next = 0;
  let acked = 0;
  const lane = async () => {
    while (next < messages) {
      const order = next++;
      const value = purchase(order);
      const begunMs = performance.now();
      await producer.send(encodePurchase(value), {
        attributes: { city: value.city },
        routingKey: value.city,
      });
      latenciesMs[acked++] = performance.now() - begunMs;
      bar.update(acked);
    }
  };
  const lanes = await Promise.allSettled(Array.from({ length: LANES }, lane));
  bar.end();
  const failed = lanes.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined)
    terminal.err(`Publishing failed after ${acked} acknowledgements: ${String(failed.reason)}\n`);
  return { acked, sortedMs: latenciesMs.subarray(0, acked).sort() };
}

/** Consumes until as many distinct messages came, or none for a while. */
async function consumeAll(consumer: Consumer, messages: number): Promise<number> {
  const seen = new Set<number>();
  const acks: Promise<void>[] = [];
  const stall = setTimeout(() => void consumer.close(), STALL_MS);
  for await (const message of consumer) {
    stall.refresh();
    seen.add(message.offset);
    acks.push(consumer.ack(message));
    if (seen.size >= messages) break;
  }
  clearTimeout(stall);
  await Promise.allSettled(acks); // What was not acknowledged would come again; here nobody waits for it.
  return seen.size;
}

interface QueryResult {
  readonly turnover: Turnover;
  readonly table: string;
  readonly metadataLocation: string;
}

/** Opens the catalog anew and reads every row of the metadata file it names: nothing of the writer's is used. */
async function queryTable(topic: string, settings: BrokerSettings): Promise<QueryResult> {
  const found = await findTable(topic, settings.storage);
  if (found === undefined) return { turnover: new Turnover(), table: '', metadataLocation: '' };
  const { opened, table } = found;
  try {
    const turnover = new Turnover();
    for await (const row of scanRows(table.metadata, opened.io, { columns: ['payload'] }))
      turnover.add(row['payload'] as Uint8Array);
    return {
      turnover,
      table: [...table.identifier.namespace, table.identifier.name].join('.'),
      metadataLocation: table.metadataLocation,
    };
  } finally {
    await opened.close();
  }
}

/** Nearest-rank percentile of sorted values, in milliseconds with three decimals. */
function percentile(sortedMs: Float64Array, rank: number): number {
  if (sortedMs.length === 0) return 0;
  return Number(sortedMs[Math.ceil(sortedMs.length * rank) - 1]!.toFixed(3));
}

function report(result: DemoResult, flags: DemoFlags, terminal: Terminal, program: string): number {
  const { acked, consumed, committed, topic } = result;
  const equal = acked === flags.messages && consumed === acked && committed === acked;
  terminal.out(
    `${acked} acknowledged (p50 ${result.ackP50Ms} ms, p99 ${result.ackP99Ms} ms, ${LANES} at a time), ${consumed} consumed, ${committed} rows in ${result.table || 'no table'}`,
  );
  if (equal) {
    terminal.out(`Query it yourself: ${program} table ${topic} --data-dir ${shellWord(result.dataDir)}`);
  } else {
    terminal.err(
      `These should all be ${flags.messages}: ${acked} acknowledged, ${consumed} consumed, ${committed} committed.\n`,
    );
  }
  if (flags.json) terminal.out(JSON.stringify(result));
  return equal ? 0 : 1;
}
