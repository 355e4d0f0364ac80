import { create } from '@bufbuild/protobuf';
import type { Route } from './connection.ts';
import { Connection } from './connection.ts';
import { CallFailure, clientError } from './error-mapping.ts';
import { ClientError } from './errors.ts';
import { TopicLookupRequestSchema, TopicLookupResponse_LookupType } from './gen/danube_pb.ts';
import type { ResolvedOptions } from './options.ts';
import type { ServiceUrl } from './service-url.ts';
import { parseServiceUrl } from './service-url.ts';
import { discoveryService } from './services.ts';

/** The broker that serves a topic, and the way to it. */
export interface Location {
  readonly connection: Connection;
  readonly route: Route;
  /** As the lookup names it; part of every message's id. */
  readonly brokerUrl: string;
}

/**
 * What a connection is for. Ordered messages have one to themselves, whose flow control nothing else uses up (see
 * {@link SendWindow}); unordered ones another, so that they do not wait for it.
 */
export type Lane = 'general' | 'ordered' | 'unordered';

/** Finds brokers and keeps one connection to each address and lane. */
export class BrokerDirectory {
  readonly #options: ResolvedOptions;
  readonly #connections = new Map<string, Connection>();
  #requestId = 0n;
  readonly #closing = new AbortController();

  constructor(options: ResolvedOptions) {
    this.#options = options;
  }

  /** Fires when the client is closed: nobody is looked up or connected to any more, and no wait makes sense. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** The connection to the service URL; throws what {@link Connection} throws. */
  service(): Connection {
    return this.#connect(this.#options.serviceUrl, 'general');
  }

  /**
   * Asks where `topic` is served. A lookup that fails is no reason to give up, as in the official clients: a topic
   * that does not exist yet has no broker, and the service URL then decides. `last` is asked when the service
   * URL does not answer.
   */
  async locate(
    topic: string,
    lane: Lane,
    last: Location | undefined,
    signal?: AbortSignal,
  ): Promise<Location> {
    const service = this.service();
    const asked =
      last === undefined || last.connection.url.href === service.url.href
        ? [service]
        : [service, last.connection];
    for (const connection of asked) {
      try {
        const answer = await connection.unary(
          discoveryService.topicLookup,
          create(TopicLookupRequestSchema, { requestId: this.#nextRequestId(), topic }),
          {},
          { signal },
        );
        if (answer.responseType === TopicLookupResponse_LookupType.Failed) break;
        return {
          connection: this.#connect(brokerUrlOf(answer.connectUrl, topic), lane),
          route: answer.proxy ? { proxiedBrokerUrl: answer.brokerUrl } : {},
          brokerUrl: answer.brokerUrl,
        };
      } catch (error) {
        if (!(error instanceof CallFailure) || error.cancelled) throw error;
      }
    }
    if (last !== undefined) return last;
    return { connection: this.#connect(service.url, lane), route: {}, brokerUrl: service.url.href };
  }

  /** The names under which `topic` can be subscribed: itself, or its partitions. `NOT_FOUND` if there are none. */
  async partitions(topic: string): Promise<readonly string[]> {
    const answer = await this.service().unary(
      discoveryService.topicPartitions,
      create(TopicLookupRequestSchema, { requestId: this.#nextRequestId(), topic }),
      {},
    );
    if (answer.partitions.length === 0) {
      throw new ClientError('NOT_FOUND', `there is no topic ${topic}; a producer creates it`, {
        outcome: 'refused',
        context: { topic },
      });
    }
    return answer.partitions;
  }

  close(): void {
    this.#closing.abort();
    for (const connection of this.#connections.values()) connection.close();
    this.#connections.clear();
  }

  #connect(url: ServiceUrl, lane: Lane): Connection {
    if (this.closing.aborted) throw new ClientError('CLOSED', 'the client is closed');
    const key = `${lane} ${url.href}`;
    let connection = this.#connections.get(key);
    if (connection === undefined) {
      connection = new Connection(url, this.#options);
      this.#connections.set(key, connection);
    }
    return connection;
  }

  #nextRequestId(): bigint {
    this.#requestId += 1n;
    return this.#requestId;
  }
}

function brokerUrlOf(text: string, topic: string): ServiceUrl {
  try {
    return parseServiceUrl(text);
  } catch (error) {
    throw new ClientError('BROKER_ERROR', `the lookup of ${topic} named no usable connect_url`, {
      context: { topic },
      cause: clientError(error, 'read a broker URL'),
    });
  }
}
