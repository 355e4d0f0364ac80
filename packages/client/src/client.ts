import { BrokerDirectory } from './broker-directory.ts';
import type { Consumer, ConsumerOptions } from './consumer.ts';
import { openConsumer } from './consumer.ts';
import { ClientError } from './errors.ts';
import type { ConnectOptions } from './options.ts';
import { resolveConnectOptions } from './options.ts';
import type { Producer, ProducerOptions } from './producer.ts';
import { openProducer } from './producer.ts';

/** A Danube cluster as seen from this process: one connection per broker, shared by all producers and consumers. */
export interface DanubeClient {
  /** Registers a producer; rejects with {@link ClientError} after the retries. */
  createProducer(options: ProducerOptions): Promise<Producer>;
  /** Joins a subscription; rejects with {@link ClientError} after the retries (`NOT_FOUND`: no such topic yet). */
  subscribe(options: ConsumerOptions): Promise<Consumer>;
  /** Closes every producer and consumer as their own `close` does, then the connections. Idempotent. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Makes a client. Nothing is dialled before the first producer or consumer is made. Throws `INVALID_ARGUMENT` for
 * options that make no sense.
 */
export function connect(options: ConnectOptions): DanubeClient {
  const resolved = resolveConnectOptions(options);
  const directory = new BrokerDirectory(resolved);
  directory.service(); // a token that must not travel is refused here and now
  const open = new Set<{ close(): Promise<void> }>();
  let closed: Promise<void> | undefined;

  const keep = async <T extends { close(): Promise<void> }>(opening: Promise<T>): Promise<T> => {
    const opened = await opening;
    if (closed !== undefined) {
      await opened.close();
      throw new ClientError('CLOSED', 'the client is closed');
    }
    open.add(opened);
    return opened;
  };
  const forget = (closedOne: { close(): Promise<void> }) => {
    open.delete(closedOne);
  };
  const close = () => {
    closed ??= Promise.allSettled([...open].map((each) => each.close())).then(() => directory.close());
    return closed;
  };

  return {
    createProducer: (producer) => keep(openProducer(producer, directory, resolved, forget)),
    subscribe: (consumer) => keep(openConsumer(consumer, directory, resolved, forget)),
    close,
    [Symbol.asyncDispose]: close,
  };
}
