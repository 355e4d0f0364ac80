import { type OpenTopicOptions, type PersistentStorage, StorageError, type TopicLog } from '@danube/storage';
import type { DispatchSettings } from '../dispatch/dispatch-settings.ts';
import { NonReliableDispatcher } from '../dispatch/non-reliable-dispatcher.ts';
import { ReliableDispatcher } from '../dispatch/reliable-dispatcher.ts';
import { BrokerError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { DispatchStrategy, MetadataStore, SubscriptionRecord } from '../metadata/metadata-store.ts';
import type { SubscriptionType } from '../metadata/subscription-type.ts';
import { ClientKeeper } from './client-keeper.ts';
import { CursorKeeper, type CursorSource } from './cursor-keeper.ts';
import { type DormantConsumer, DormantConsumers } from './dormant-consumers.ts';
import { createId } from './ids.ts';
import { FORGET_AFTER_MS, isAbsent, type Producer } from './producer.ts';
import { type Consumer, Subscription } from './subscription.ts';
import { isSilent, type Topic } from './topic.ts';
import { parseTopicName } from './topic-name.ts';

/** What happens in the registry, for metrics. */
export interface RegistryEvents {
  delivered(topic: string, subscription: string, redelivery: boolean): void;
  acked(topic: string, subscription: string): void;
  skipped(topic: string, subscription: string, count: number): void;
}

/** What a {@link TopicRegistry} works with. */
export interface TopicRegistryOptions {
  readonly storage: PersistentStorage;
  readonly store: MetadataStore;
  readonly dispatch: DispatchSettings;
  readonly cursorFlushIntervalMs: number;
  readonly autoCreateTopics: boolean;
  readonly logger: Logger;
  readonly events: RegistryEvents;
}

/** How many topics are opened at the same time at start. */
const OPEN_CONCURRENCY = 8;
/** How long each looks for its table once that of another could not be reached. */
const OPEN_WHILE_AWAY_MS = 100;
const SWEEP_INTERVAL_MS = 60_000;
/** Longest time between a consumer's leaving and the note of it on disk. */
const SIGN_INTERVAL_MS = 1_000;

/**
 * The topics, producers, subscriptions and consumers of one broker. It owns the metadata store's content while
 * the broker runs; all changes go through it. Requests for one topic that need the store wait for each other.
 */
export class TopicRegistry {
  readonly #options: TopicRegistryOptions;
  readonly #topics = new Map<string, Topic>();
  readonly #producers = new Map<bigint, Producer>();
  readonly #consumers = new Map<bigint, Consumer>();
  readonly #dormant = new DormantConsumers();
  readonly #cursors: CursorKeeper;
  readonly #clients: ClientKeeper;
  #startedMs = Date.now();
  readonly #sources = new Map<Subscription, CursorSource>();
  /** The last change under way by topic name; the next waits for it. */
  readonly #changes = new Map<string, Promise<unknown>>();
  #sweeper: NodeJS.Timeout | undefined;

  constructor(options: TopicRegistryOptions) {
    this.#options = options;
    this.#cursors = new CursorKeeper({
      store: options.store,
      intervalMs: options.cursorFlushIntervalMs,
      onError: (error) => options.logger.error({ err: error }, 'Cursors could not be written; trying again'),
    });
    this.#clients = new ClientKeeper({
      store: options.store,
      intervalMs: SIGN_INTERVAL_MS,
      onError: (error) =>
        options.logger.error({ err: error }, 'Signs of life could not be written; trying again'),
    });
  }

  /**
   * Takes over what the metadata store and the log know, the ids of producers and consumers included, and opens
   * every reliable topic with its subscriptions.
   * A topic that cannot be opened does not keep the others from starting: it is logged, and opened again when
   * somebody asks for it. Nor does a catalog that is away, however many topics there are: once one of them waited for it
   * in vain the others do not, until one is answered.
   */
  async load(): Promise<void> {
    const { store, storage, logger } = this.#options;
    const records = [...(await store.listTopics())];
    const known = new Set(records.map((record) => record.name));
    // The log is written before the metadata store when a topic is created: a crash in between leaves this.
    for (const name of storage.listTopics()) {
      if (known.has(name)) continue;
      const { namespace } = parseTopicName(name);
      records.push(
        await store.createTopic({ name, namespace, dispatch: 'reliable', createdAtMs: Date.now() }),
      );
    }
    for (const { name, dispatch } of records) this.#topics.set(name, newTopic(name, dispatch));
    await this.#restoreClients();
    const waiting = [...this.#topics.values()].filter((topic) => topic.dispatch === 'reliable');
    let isAway = false;
    const worker = async () => {
      for (let topic = waiting.shift(); topic !== undefined; topic = waiting.shift()) {
        const { name } = topic;
        try {
          const log = await this.#open(topic, isAway ? { timeoutMs: OPEN_WHILE_AWAY_MS } : {});
          isAway = log.table() === undefined;
        } catch (error) {
          if (StorageError.is(error) && error.code === 'CATALOG_UNAVAILABLE') isAway = true;
          logger.error({ err: error, topic: name }, 'The topic could not be opened');
        }
      }
    };
    await Promise.all(Array.from({ length: OPEN_CONCURRENCY }, worker));
    // Clients can show life only from now on; opening many topics takes longer than the presence rule waits.
    this.#startedMs = Date.now();
    for (const client of [...this.#producers.values(), ...this.#consumers.values()])
      client.restoredMs = this.#startedMs;
    this.#sweeper = setInterval(() => {
      this.#sweep(Date.now()).catch((error: unknown) =>
        logger.warn({ err: error }, 'Silent clients could not be removed from the metadata store'),
      );
    }, SWEEP_INTERVAL_MS).unref();
  }

  /** Topics in no particular order. */
  get topics(): readonly Topic[] {
    return [...this.#topics.values()];
  }

  /** How many producers and consumers are registered. */
  get clientCounts(): { readonly producers: number; readonly consumers: number } {
    return { producers: this.#producers.size, consumers: this.#consumers.size + this.#dormant.size };
  }

  /** The topic, or undefined. */
  topic(name: string): Topic | undefined {
    return this.#topics.get(name);
  }

  /** Names of a topic's partitions (`<name>-part-<i>`) in order of i, or the name itself when it has none. */
  partitions(name: string): readonly string[] {
    const prefix = `${name}-part-`;
    const parts = [...this.#topics.keys()].filter(
      (other) => other.startsWith(prefix) && /^\d+$/.test(other.slice(prefix.length)),
    );
    if (parts.length === 0 || this.#topics.has(name)) return [name];
    return parts.sort((a, b) => Number(a.slice(prefix.length)) - Number(b.slice(prefix.length)));
  }

  /**
   * Registers a producer, creating the topic when it does not exist. The same name again is the same producer.
   * When this resolves its id is on disk. Silent producers that an exclusive one does not tolerate are forgotten.
   *
   * @throws BrokerError `INVALID_REQUEST`, `NOT_FOUND` (topics are not created automatically), `CONFLICT`
   * (another dispatch strategy), `REFUSED` (exclusive); StorageError from opening the topic
   */
  async createProducer(
    name: string,
    topicName: string,
    dispatch: DispatchStrategy,
    exclusive: boolean,
  ): Promise<Producer> {
    const topic = this.#topics.get(topicName) ?? (await this.#createTopic(topicName, dispatch));
    if (topic.dispatch !== dispatch) {
      throw new BrokerError(
        'CONFLICT',
        `The topic ${topicName} was created ${topic.dispatch}; a producer cannot use it as ${dispatch}.`,
        {
          context: { topic: topicName },
        },
      );
    }
    if (dispatch === 'reliable') await this.openLog(topic);
    return this.#change(topicName, async () => {
      const nowMs = Date.now();
      const known = topic.producers.get(name);
      const inTheWay = [...topic.producers.values()].filter(
        (other) => other !== known && (exclusive || other.exclusive),
      );
      const holder = inTheWay.find((other) => !isAbsent(other, nowMs));
      if (holder !== undefined) {
        throw new BrokerError(
          'REFUSED',
          holder.exclusive
            ? `The topic ${topicName} has the exclusive producer ${holder.name}.`
            : `The topic ${topicName} has the producer ${holder.name}: another cannot be exclusive.`,
          { context: { topic: topicName } },
        );
      }
      const id = known?.id ?? createId();
      // Before the client learns its id, and those who give way lose theirs in the same transaction.
      await this.#options.store.putProducer({ id, topic: topicName, name, exclusive, lastSeenMs: nowMs });
      for (const other of inTheWay) this.#forgetProducer(other);
      const producer = known ?? { id, name, topic: topicName, exclusive, lastSeenMs: nowMs, restoredMs: 0 };
      producer.exclusive = exclusive;
      producer.lastSeenMs = nowMs;
      this.#addProducer(topic, producer);
      return producer;
    });
  }

  /** The producer of that id on that topic. @throws BrokerError `NOT_FOUND` */
  producer(id: bigint, topicName: string): Producer {
    const producer = this.#producers.get(id);
    if (producer === undefined || producer.topic !== topicName) {
      throw new BrokerError('NOT_FOUND', `There is no producer ${id} on ${topicName}; create it again.`, {
        context: { topic: topicName },
      });
    }
    return producer;
  }

  /**
   * Registers a consumer on a subscription, creating the subscription at the latest message when it does not
   * exist. The subscription and the consumer's id are durable when this resolves.
   *
   * @throws BrokerError `NOT_FOUND` (only producers create topics), `REFUSED`; StorageError from opening the topic
   */
  async subscribe(
    consumerName: string,
    topicName: string,
    name: string,
    type: SubscriptionType,
  ): Promise<Consumer> {
    const topic = this.#topics.get(topicName);
    if (topic === undefined) {
      throw new BrokerError(
        'NOT_FOUND',
        `The topic ${topicName} does not exist; it is created by its first producer.`,
        {
          context: { topic: topicName },
        },
      );
    }
    if (topic.dispatch === 'reliable') await this.openLog(topic);
    return this.#change(topicName, async () => {
      const subscription =
        topic.subscriptions.get(name) ?? (await this.#createSubscription(topic, name, type));
      const consumer = subscription.join(consumerName, type, Date.now());
      const { id, left, lastSeenMs } = consumer;
      this.#consumers.set(id, consumer);
      // Also gives a subscription that exists its type, and removes who gave way. A crash before this is a crash
      // before the reply.
      await this.#options.store.putConsumer({
        id,
        topic: topicName,
        subscription: name,
        name: consumerName,
        type,
        left,
        lastSeenMs,
      });
      this.#clients.stored(consumer);
      return consumer;
    });
  }

  /**
   * The consumer of that id. One from before a restart whose topic could not be opened yet waits for that.
   *
   * @throws BrokerError `NOT_FOUND`; StorageError from opening the topic
   */
  async consumer(id: bigint): Promise<Consumer> {
    const topic = this.#topics.get(this.#dormant.get(id)?.topic ?? '');
    if (topic !== undefined) await this.openLog(topic);
    const consumer = this.#consumers.get(id);
    if (consumer === undefined)
      throw new BrokerError('NOT_FOUND', `There is no consumer ${id}; subscribe again.`);
    return consumer;
  }

  /** The subscription of that name. @throws BrokerError `NOT_FOUND` */
  subscription(topicName: string, name: string): Subscription {
    const topic = this.#topics.get(topicName);
    const subscription = topic?.subscriptions.get(name);
    if (subscription !== undefined) return subscription;
    throw new BrokerError(
      'NOT_FOUND',
      topic === undefined
        ? `The topic ${topicName} does not exist.`
        : `The topic ${topicName} has no subscription ${name}.`,
      {
        context: { topic: topicName, subscription: name },
      },
    );
  }

  /** Notes a sign of life; false when the id is unknown and the client should register again. */
  touch(kind: 'producer' | 'consumer', id: bigint): boolean {
    const client =
      kind === 'producer' ? this.#producers.get(id) : (this.#consumers.get(id) ?? this.#dormant.get(id));
    if (client !== undefined) this.seen(client);
    return client !== undefined;
  }

  /** Notes a sign of life of a client that is known. */
  seen(client: Producer | Consumer | DormantConsumer): void {
    client.lastSeenMs = Date.now();
    this.#clients.noted(client);
  }

  /** A consumer's stream ended: what it acknowledged is written now, that it left within a second. */
  async consumerLeft(consumer: Consumer): Promise<void> {
    this.seen(consumer);
    await this.#cursors.flush();
  }

  /** The log of a reliable topic, opened when it is not yet. @throws StorageError */
  async openLog(topic: Topic): Promise<TopicLog> {
    return topic.log ?? this.#change(topic.name, async () => topic.log ?? this.#open(topic));
  }

  /** Ends all streams with the reason. Acknowledgements are still taken. */
  endStreams(reason: unknown): void {
    for (const topic of this.#topics.values()) {
      for (const subscription of topic.subscriptions.values()) subscription.close(reason);
    }
  }

  /** Writes the cursors and signs of life, and stops. Call while the storage is still open: it knows what is durable. */
  async close(): Promise<void> {
    clearInterval(this.#sweeper);
    await Promise.allSettled(this.#changes.values());
    await this.#cursors.close();
    await this.#clients.close();
  }

  async #createTopic(name: string, dispatch: DispatchStrategy): Promise<Topic> {
    const { namespace } = parseTopicName(name);
    if (!this.#options.autoCreateTopics) {
      throw new BrokerError('NOT_FOUND', `The topic ${name} does not exist, and auto_create_topics is off.`, {
        context: { topic: name },
      });
    }
    return this.#change(name, async () => {
      const existing = this.#topics.get(name);
      if (existing !== undefined) return existing;
      const topic = newTopic(name, dispatch);
      // Claimed in its table before anything says that it exists; a crash in between is repaired by load().
      if (dispatch === 'reliable') topic.log = await this.#options.storage.openTopic(name);
      await this.#options.store.createTopic({ name, namespace, dispatch, createdAtMs: Date.now() });
      this.#topics.set(name, topic);
      this.#options.logger.info({ topic: name, dispatch }, 'Topic created');
      return topic;
    });
  }

  /** Opens a known reliable topic above every offset that a cursor names, and its subscriptions. */
  async #open(topic: Topic, patience: Pick<OpenTopicOptions, 'timeoutMs'> = {}): Promise<TopicLog> {
    const records = await this.#options.store.listSubscriptions(topic.name);
    const persistedCursor = Math.max(-1, ...records.map((record) => record.cursor));
    const log = await this.#options.storage.openTopic(topic.name, {
      ...patience,
      ...(persistedCursor < 0 ? {} : { persistedCursor }),
    });
    topic.log = log;
    for (const record of records) {
      if (!topic.subscriptions.has(record.name)) this.#addSubscription(topic, log, record);
    }
    await this.#wakeConsumers(topic);
    return log;
  }

  /** Takes over who was given an id in the last run and has not been silent for an hour since. */
  async #restoreClients(): Promise<void> {
    const { store } = this.#options;
    const forgotten: bigint[] = [];
    const isForgotten = (record: { id: bigint; lastSeenMs: number }) =>
      this.#startedMs - record.lastSeenMs > FORGET_AFTER_MS && forgotten.push(record.id) > 0;
    for (const record of await store.listProducers()) {
      const topic = this.#topics.get(record.topic);
      if (topic === undefined || isForgotten(record)) continue; // Every stored client has a stored topic.
      this.#addProducer(topic, {
        ...record,
        lastSeenMs: Math.min(record.lastSeenMs, this.#startedMs), // The clock may have been set back.
        restoredMs: this.#startedMs,
      });
    }
    for (const record of await store.listConsumers()) if (!isForgotten(record)) this.#dormant.add(record);
    if (forgotten.length > 0) await store.removeClients(forgotten);
    for (const topic of this.#topics.values())
      if (topic.dispatch === 'non-reliable') await this.#wakeConsumers(topic);
  }

  /** Gives a topic the consumers of the last run. */
  async #wakeConsumers(topic: Topic): Promise<void> {
    const lost: bigint[] = [];
    for (const record of this.#dormant.take(topic.name)) {
      const { subscription: name, type } = record;
      // Subscriptions of non-reliable topics are stored nowhere but with their consumers.
      const subscription =
        topic.subscriptions.get(name) ??
        (topic.dispatch === 'reliable' ? undefined : addNonReliable(topic, name, type, this.#onForgotten));
      if (subscription === undefined) {
        lost.push(record.id);
        continue;
      }
      const consumer = subscription.restore(record, this.#startedMs);
      this.#consumers.set(consumer.id, consumer);
      this.#clients.stored(consumer);
    }
    if (lost.length > 0) await this.#options.store.removeClients(lost);
  }

  #addProducer(topic: Topic, producer: Producer): void {
    topic.producers.set(producer.name, producer);
    this.#producers.set(producer.id, producer);
    this.#clients.stored(producer);
  }

  #forgetProducer(producer: Producer): void {
    this.#topics.get(producer.topic)?.producers.delete(producer.name);
    this.#producers.delete(producer.id);
    this.#clients.forget(producer);
  }

  async #createSubscription(topic: Topic, name: string, type: SubscriptionType): Promise<Subscription> {
    const { log } = topic;
    if (log === undefined) return addNonReliable(topic, name, type, this.#onForgotten);
    // Latest: only what is appended from now on. The stored cursor obeys the rule that none is above what is
    // durable, so a crash before the first cursor write can add messages that were under way at this moment.
    const cursor = log.nextOffset - 1;
    const record = { topic: topic.name, name, type, cursor };
    await this.#options.store.putSubscription({ ...record, cursor: Math.min(cursor, log.durableOffset) });
    const subscription = this.#addSubscription(topic, log, record);
    this.#cursors.moved(this.#sources.get(subscription)!);
    this.#options.logger.info(
      { topic: topic.name, subscription: name, type, from: cursor + 1 },
      'Subscription created',
    );
    return subscription;
  }

  #addSubscription(topic: Topic, log: TopicLog, record: SubscriptionRecord): Subscription {
    const { events, dispatch, logger } = this.#options;
    const { name: topicName } = topic;
    const { name, cursor, type } = record;
    const dispatcher = new ReliableDispatcher({
      log,
      cursor,
      settings: dispatch,
      events: {
        cursorMoved: () => this.#cursors.moved(source),
        delivered: (redelivery) => events.delivered(topicName, name, redelivery),
        acked: () => events.acked(topicName, name),
        skipped: (first, last) => {
          events.skipped(topicName, name, last - first + 1);
          logger.warn(
            { topic: topicName, subscription: name, first, last },
            'Offsets that no longer hold a message were passed over',
          );
        },
        readFailed: (error, retryInMs) =>
          logger[retryInMs === undefined ? 'error' : 'warn'](
            { err: error, topic: topicName, subscription: name, retryInMs },
            'The topic could not be read',
          ),
      },
    });
    const source: CursorSource = {
      topic: topicName,
      name,
      log,
      get cursor() {
        return dispatcher.cursor;
      },
    };
    const subscription = new Subscription({
      topic: topicName,
      name,
      type,
      dispatcher,
      onForgotten: this.#onForgotten,
    });
    this.#sources.set(subscription, source);
    topic.subscriptions.set(name, subscription);
    return subscription;
  }

  readonly #onForgotten = (consumer: Consumer): void => {
    this.#consumers.delete(consumer.id);
    this.#clients.forget(consumer);
  };

  /** Runs changes of one topic one after the other. */
  #change<T>(topic: string, work: () => Promise<T>): Promise<T> {
    const run = (this.#changes.get(topic) ?? Promise.resolve()).then(work, work);
    this.#changes.set(topic, run);
    const clear = () => {
      if (this.#changes.get(topic) === run) this.#changes.delete(topic);
    };
    run.then(clear, clear);
    return run;
  }

  /** Clients do not say goodbye; whoever was silent for an hour is forgotten. An open stream is a sign of life. */
  async #sweep(nowMs: number): Promise<void> {
    const forgotten: bigint[] = [];
    for (const producer of this.#producers.values()) {
      if (!isSilent(producer, nowMs, FORGET_AFTER_MS)) continue;
      this.#forgetProducer(producer);
      forgotten.push(producer.id);
    }
    for (const consumer of this.#consumers.values()) {
      if (consumer.sink !== undefined) this.seen(consumer);
      if (!isSilent(consumer, nowMs, FORGET_AFTER_MS)) continue;
      consumer.subscription.forget(consumer);
      forgotten.push(consumer.id);
    }
    for (const { id } of this.#dormant.takeSilent(nowMs - FORGET_AFTER_MS)) forgotten.push(id);
    // A failure is made up for at the next start: they are as silent then.
    if (forgotten.length > 0) await this.#options.store.removeClients(forgotten);
  }
}

function newTopic(name: string, dispatch: DispatchStrategy): Topic {
  return { name, dispatch, producers: new Map(), subscriptions: new Map(), log: undefined };
}

function addNonReliable(
  topic: Topic,
  name: string,
  type: SubscriptionType,
  onForgotten: (consumer: Consumer) => void,
): Subscription {
  const dispatcher = new NonReliableDispatcher();
  const subscription = new Subscription({ topic: topic.name, name, type, dispatcher, onForgotten });
  topic.subscriptions.set(name, subscription);
  return subscription;
}
