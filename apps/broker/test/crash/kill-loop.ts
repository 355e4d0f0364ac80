// kill -9 at random and at chosen moments while messages flow, restart, resume; in the end everything is compared.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Consumer, connect } from '@danube/client';
import { BrokerProcess, freePort, type LogLine } from './broker-process.ts';
import { identify, MessageStream, randomFrom } from './message-stream.ts';

export const TOPIC = '/default/kill_loop';

/** Where on the way from acknowledgement to truncation a kill found the broker. */
export type Phase = 'ack-flush' | 'upload' | 'commit' | 'truncate';
const PHASES: readonly Phase[] = ['ack-flush', 'upload', 'commit', 'truncate'];

export interface KillLoopOptions {
  readonly dataDir: string;
  readonly rounds: number;
  readonly seed: number;
  /** Messages a second handed to the broker, at least 1,000 for the figure of record. */
  readonly perSecond?: number;
  /** The longest payload, in bytes. Default: that of `MessageStream`. */
  readonly maxPayloadBytes?: number;
  /** Where tables are kept: lines below `iceberg_config`. Default: none, the data directory. */
  readonly storageLines?: readonly string[];
  /** Age at which messages are committed. Default: 1,000. */
  readonly flushAgeMs?: number;
  /** The broker's whole configuration, in place of the one that this loop makes and the two options above. */
  readonly configFile?: string;
  /** How long after the beginning of an upload or a commit a kill comes at most: about as long as one takes. Default: 6. */
  readonly killDelayMs?: number;
  /** Resolves when it is time to kill. Default: in each phase once, then at random. */
  readonly killWhen?: (round: number) => Promise<void>;
  /** Called when the broker is gone, before it is started again. */
  readonly onKilled?: () => Promise<void>;
  readonly onRound?: (line: string) => void;
}

export interface KillLoopResult {
  readonly seed: number;
  readonly rounds: number;
  readonly sent: ReadonlySet<number>;
  readonly acked: ReadonlySet<number>;
  /** Offset to message id of everything the consumer received. */
  readonly consumed: ReadonlyMap<number, number>;
  /** How many kills found the broker in each phase. */
  readonly hits: Readonly<Record<Phase, number>>;
  /** Acknowledged messages in the last second before a kill: the median over the rounds. */
  readonly ackedPerSecond: number;
  /** What should have been impossible while it ran, as sentences. */
  readonly violations: readonly string[];
}

/** Follows the broker's log and knows which phase it is in. */
class PhaseWatch {
  readonly #open: Phase[] = [];

  readonly onLog = (line: LogLine): void => {
    const { phase, state } = line as { phase?: Phase; state?: 'begin' | 'end' };
    if (phase === undefined || !PHASES.includes(phase)) return;
    if (state === 'begin') {
      this.#open.push(phase);
    } else {
      const index = this.#open.lastIndexOf(phase);
      if (index >= 0) this.#open.splice(index, 1);
    }
  };

  /** The phase the broker was in when its log ended. */
  get current(): Phase {
    return this.#open.at(-1) ?? 'ack-flush';
  }
}

/** Messages under way at a time: enough for the rate also while a cold broker is slow. */
const LANES = 64;
/** Every round publishes at least this long, so that the broker is warm when it is killed. */
const WARM_MS = 1500;

/** How much a growing count grew within the last second. */
class RateOfLastSecond {
  readonly #read: () => number;
  readonly #samples: { at: number; count: number }[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(read: () => number) {
    this.#read = read;
    this.#sample();
    this.#timer = setInterval(() => this.#sample(), 50);
  }

  #sample(): void {
    this.#samples.push({ at: performance.now(), count: this.#read() });
  }

  stop(): number {
    clearInterval(this.#timer);
    this.#sample();
    const last = this.#samples.at(-1);
    const first = this.#samples.findLast(({ at }) => last !== undefined && at <= last.at - 1000);
    if (last === undefined || first === undefined) return 0;
    return Math.round(((last.count - first.count) / (last.at - first.at)) * 1000);
  }
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Small segments, so that truncation happens in every round, and a flush age of one second. */
async function writeConfig(dataDir: string, options: KillLoopOptions): Promise<string> {
  const file = join(dataDir, 'kill-loop.yml');
  await mkdir(dataDir, { recursive: true });
  await writeFile(
    file,
    [
      'storage:',
      '  type: iceberg',
      '  iceberg_config:',
      ...(options.storageLines ?? []).map((line) => `    ${line}`),
      '    wal:',
      '      max_file_size: 1048576',
      '      sync_mode: always',
      '    flush:',
      `      max_age_ms: ${options.flushAgeMs ?? 1000}`,
      'dispatch:',
      '  max_unacked_messages: 1000',
      '',
    ].join('\n'),
  );
  return file;
}

export async function runKillLoop(options: KillLoopOptions): Promise<KillLoopResult> {
  const random = randomFrom(options.seed);
  const perSecond = options.perSecond ?? 2000;
  const [port, httpPort] = [await freePort(), await freePort()];
  const address = `127.0.0.1:${port}`;
  const configFile = options.configFile ?? (await writeConfig(options.dataDir, options));
  const stream = new MessageStream(options.seed, TOPIC, options.maxPayloadBytes);
  const consumed = new Map<number, number>();
  const violations: string[] = [];
  const hits: Record<Phase, number> = { 'ack-flush': 0, upload: 0, commit: 0, truncate: 0 };
  const rates: number[] = [];

  const start = (watch: PhaseWatch) =>
    BrokerProcess.start({
      dataDir: join(options.dataDir, 'data'),
      port,
      httpPort,
      configFile,
      logLevel: 'debug',
      onLog: watch.onLog,
    });

  // The broker is away for a moment twenty times: the consumer comes back at once rather than politely late.
  await using client = connect({
    serviceUrl: `http://${address}`,
    retry: { maxRetries: 1000, baseDelayMs: 50, maxDelayMs: 100 },
  });
  let consumer: Consumer | undefined;
  let consuming: Promise<void> | undefined;
  const consume = async (from: Consumer) => {
    for await (const message of from) {
      const id = identify(options.seed, message.payload, options.maxPayloadBytes);
      const before = consumed.get(message.offset);
      if (before !== undefined && before !== id) {
        violations.push(`offset ${message.offset} was delivered as message ${before} and later as ${id}`);
      }
      consumed.set(message.offset, id);
      // An acknowledgement lost with the broker means one more delivery, which is allowed.
      from.ack(message).catch(() => undefined);
    }
  };

  for (let round = 0; round < options.rounds; round++) {
    const watch = new PhaseWatch();
    await using broker = await start(watch);
    const ending = new AbortController();
    // Only a producer makes a topic, and a new subscription starts at the latest message: so this order.
    if (consumer === undefined) {
      await stream.createTopic(address);
      consumer = await client.subscribe({
        topic: TOPIC,
        subscription: 'kill-loop',
        consumerName: 'kill-loop',
        type: 'exclusive',
      });
      consuming = consume(consumer);
    }
    const publishing = stream.publish(address, { lanes: LANES, perSecond, signal: ending.signal });
    const rate = new RateOfLastSecond(() => stream.acked.size);
    // First every phase once, then wherever chance has it.
    const target = PHASES.find((phase) => hits[phase] === 0) ?? PHASES[Math.floor(random() * PHASES.length)];
    await (options.killWhen?.(round) ?? sleep(WARM_MS + random() * 1500));
    rates.push(rate.stop());
    if (options.killWhen !== undefined || target === undefined || target === 'ack-flush') await broker.kill();
    else
      await broker.killIn(target, target === 'truncate' ? 0 : random() * (options.killDelayMs ?? 6), 10_000);
    ending.abort();
    await publishing;
    hits[watch.current] += 1;
    await options.onKilled?.();
    options.onRound?.(
      `round ${round + 1} of ${options.rounds}: killed in ${watch.current}, ${stream.acked.size} acknowledged (${rates.at(-1)} in the last second), ${consumed.size} delivered`,
    );
  }

  // The last start: the consumer catches up, and a drained broker has committed everything.
  await using broker = await start(new PhaseWatch());
  const deadline = Date.now() + 60_000;
  const missing = () => {
    const delivered = new Set(consumed.values());
    return [...stream.acked].filter((id) => !delivered.has(id)).length;
  };
  while (missing() > 0 && Date.now() < deadline) await sleep(100);
  await consumer?.close();
  await consuming;
  await client.close();
  await broker.stop();
  return {
    seed: options.seed,
    rounds: options.rounds,
    sent: stream.sent,
    acked: stream.acked,
    consumed,
    hits,
    ackedPerSecond: rates.toSorted((a, b) => a - b)[Math.floor(rates.length / 2)] ?? 0,
    violations,
  };
}
