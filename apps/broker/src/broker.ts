import { join } from 'node:path';
import type { PersistentStorage } from '@danube/storage';
import { openBrokerStorage } from './broker-storage.ts';
import { formatAddress, isWildcard } from './config/address.ts';
import type { Address, BrokerSettings } from './config/settings.ts';
import { openDataDirectory } from './data-directory.ts';
import { BrokerError } from './errors.ts';
import { Damper } from './grpc/damper.ts';
import { startGrpcServer } from './grpc/grpc-server.ts';
import { RequestGate } from './grpc/handlers.ts';
import { createServices } from './grpc/services.ts';
import { type Health, startHttpServer } from './http/http-server.ts';
import { createMetrics } from './http/metrics.ts';
import type { Logger } from './log.ts';
import { openSqliteMetadataStore } from './metadata/sqlite-metadata-store.ts';
import { logStorageEvents } from './storage-events.ts';
import { TopicRegistry } from './topics/topic-registry.ts';

/** Parts a test supplies instead of the real ones. */
export interface BrokerComponents {
  readonly logger: Logger;
  /** Default: {@link openBrokerStorage}. Closing what it returns closes everything it opened. */
  readonly openStorage?: (settings: BrokerSettings, logger: Logger) => Promise<PersistentStorage>;
  /** Default: one with the documented delay and bound. */
  readonly damper?: Damper;
}

/** A running broker. */
export interface Broker {
  readonly settings: BrokerSettings;
  /** Where gRPC clients connect, with the real port. */
  readonly address: Address;
  /** `http://host:port` of the same. */
  readonly url: string;
  /** `http://host:port` of `/healthz`, `/readyz` and `/metrics`. */
  readonly httpUrl: string;
  readonly storage: PersistentStorage;
  /**
   * Drains: refuses new requests, answers those under way, ends the consumers' streams, writes the cursors,
   * commits what is pending and lets go of the data directory. The first failure is thrown after everything was
   * tried. A second call waits for the first.
   */
  stop(): Promise<void>;
}

/** How long requests under way may take to be answered; an append waits for one sync, opening a topic for its catalog. */
const DRAIN_MS = 15_000;
/** How long clients may take to hang up once their calls were answered. */
const GRACE_MS = 1_000;

/**
 * Starts a broker on its settings. When it resolves the broker takes clients, and has opened every topic it
 * knows. When it rejects nothing is left running or held.
 *
 * @throws BrokerError see its codes for starting; errors of the storage and the catalog
 */
export async function startBroker(settings: BrokerSettings, components: BrokerComponents): Promise<Broker> {
  const { logger } = components;
  const undo = new UndoStack();
  try {
    const directory = openDataDirectory(settings.dataDir);
    undo.add('data directory', async () => directory.release());
    const metrics = createMetrics();
    const state = { ready: false, stopping: false };
    let storage: PersistentStorage | undefined;
    const http = await startHttpServer({
      address: settings.httpAddress,
      metrics,
      health: () => healthOf(storage),
      readiness: () => readinessOf(storage, state),
    });
    undo.add('HTTP server', () => http.close());

    const store = openSqliteMetadataStore(join(settings.dataDir, 'broker.db'));
    undo.add('metadata store', () => store.close());
    for (const namespace of settings.bootstrapNamespaces) await store.createNamespace(namespace);

    storage = await (components.openStorage ?? openBrokerStorage)(settings, logger);
    const opened = storage;
    let registry: TopicRegistry | undefined;
    // After the storage: closing it makes durable (in every sync mode) what the last cursors refer to.
    undo.add('cursors', async () => registry?.close());
    undo.add('storage', async () => {
      await opened.close();
      warnOfPending(opened, logger);
    });
    logStorageEvents(opened, logger, metrics);

    const topics = new TopicRegistry({
      storage: opened,
      store,
      dispatch: settings.dispatch,
      cursorFlushIntervalMs: settings.cursorFlushIntervalMs,
      autoCreateTopics: settings.autoCreateTopics,
      logger,
      events: {
        delivered: (topic, subscription, redelivery) => metrics.delivered(topic, subscription, redelivery),
        acked: (topic, subscription) => metrics.consumerAcked(topic, subscription),
        skipped: (topic, subscription, count) => metrics.skipped(topic, subscription, count),
      },
    });
    registry = topics;
    await topics.load();
    metrics.watch({
      storage: opened,
      topics: () => registry.topics,
      clientCounts: () => registry.clientCounts,
    });

    const gate = new RequestGate();
    const damper = components.damper ?? new Damper();
    const urls = (host: string) => urlsFor(settings, grpcAddress, host);
    let grpcAddress = settings.brokerAddress;
    const services = createServices({
      registry: topics,
      gate,
      damper,
      metrics,
      logger,
      urls,
      maxMessageSizeBytes: settings.maxMessageSizeBytes,
    });
    const grpc = await startGrpcServer(settings.brokerAddress, services, settings.maxMessageSizeBytes);
    grpcAddress = grpc.address;
    undo.add('gRPC server', () => grpc.close(GRACE_MS));
    undo.add('requests', async () => {
      state.stopping = true;
      damper.release();
      await gate.close(DRAIN_MS);
      topics.endStreams(new BrokerError('SHUTTING_DOWN', 'The broker is shutting down.'));
    });
    state.ready = true;

    let stopped: Promise<void> | undefined;
    return {
      settings,
      address: grpc.address,
      url: `http://${formatAddress(dialable(grpc.address))}`,
      httpUrl: `http://${formatAddress(dialable(http.address))}`,
      storage: opened,
      stop: () => (stopped ??= undo.run(logger)),
    };
  } catch (error) {
    await undo.run(logger).catch(() => {}); // Logged there; the first error is the one to tell.
    throw error;
  }
}

/** What has to be taken down, newest first. */
class UndoStack {
  readonly #steps: { readonly name: string; readonly run: () => Promise<void> }[] = [];

  add(name: string, run: () => Promise<void>): void {
    this.#steps.push({ name, run });
  }

  async run(logger: Logger): Promise<void> {
    const failures: unknown[] = [];
    for (const { name, run } of this.#steps.splice(0).reverse()) {
      try {
        await run();
      } catch (error) {
        logger.error({ err: error }, `Closing the ${name} failed`);
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}

/** Who stops a broker for good must know that the tables lack something. */
function warnOfPending(closed: PersistentStorage, logger: Logger): void {
  const pending = closed.stats().topics.filter(({ unflushedBytes }) => unflushedBytes > 0);
  if (pending.length === 0) return;
  const bytes = pending.reduce((sum, { unflushedBytes }) => sum + unflushedBytes, 0);
  logger.warn(
    { topics: pending.length, bytes },
    'Not everything is committed; it stays in the log, and a broker started on it commits it',
  );
}

function healthOf(storage: PersistentStorage | undefined): Health {
  const failed = storage?.stats().topics.some((topic) => topic.code === 'LOG_FAILED') ?? false;
  return {
    ok: !failed,
    facts: failed ? { reason: 'The write-ahead log failed; find the cause and restart.' } : {},
  };
}

function readinessOf(
  storage: PersistentStorage | undefined,
  state: { ready: boolean; stopping: boolean },
): Health {
  const stoppedTopics = (storage?.stats().topics ?? [])
    .filter((topic) => topic.state === 'stopped')
    .map((topic) => ({ topic: topic.topic, code: topic.code }));
  const phase = state.stopping ? 'stopping' : state.ready ? 'ready' : 'starting';
  // One stopped topic does not take the others out of service.
  return { ok: phase === 'ready' && healthOf(storage).ok, facts: { phase, stoppedTopics } };
}

/** URLs for clients: what the operator says, else where we listen, else (listening everywhere) what the client dialled. */
function urlsFor(
  settings: BrokerSettings,
  bound: Address,
  dialled: string,
): { brokerUrl: string; connectUrl: string } {
  const own = `http://${isWildcard(bound.host) ? dialled : formatAddress(bound)}`;
  const brokerUrl = settings.advertised.brokerUrl ?? own;
  return { brokerUrl, connectUrl: settings.advertised.connectUrl ?? brokerUrl };
}

function dialable(address: Address): Address {
  return isWildcard(address.host) ? { host: '127.0.0.1', port: address.port } : address;
}
