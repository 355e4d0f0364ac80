import type { SubscriptionType } from './subscription-type.ts';

/** A producer's registration as it outlives the broker. Its topic's dispatch strategy is the topic's. */
export interface ProducerRecord {
  readonly id: bigint;
  readonly topic: string;
  readonly name: string;
  readonly exclusive: boolean;
  /** Unix milliseconds of a sign of life; the last one may be younger, see {@link ClientSign}. */
  readonly lastSeenMs: number;
}

/** A consumer's registration as it outlives the broker. */
export interface ConsumerRecord {
  readonly id: bigint;
  readonly topic: string;
  readonly subscription: string;
  readonly name: string;
  /** The type of the subscription, the same for all its consumers. */
  readonly type: SubscriptionType;
  /** Its stream ended and no other was opened: it holds no place. */
  readonly left: boolean;
  /** Unix milliseconds of a sign of life; the last one may be younger, see {@link ClientSign}. */
  readonly lastSeenMs: number;
}

/** What is written of a producer or consumer from time to time. */
export interface ClientSign {
  readonly id: bigint;
  readonly lastSeenMs: number;
  /** Of no meaning for producers. */
  readonly left: boolean;
}

/**
 * Who was given an id. Kept because clients go on with their id after the broker came back; part of the
 * metadata store and with its promises.
 */
export interface ClientStore {
  /** All producers, in no particular order. */
  listProducers(): Promise<readonly ProducerRecord[]>;
  /** All consumers, in no particular order. */
  listConsumers(): Promise<readonly ConsumerRecord[]>;
  /**
   * Registers a producer of a known topic, or changes one of the same id. Whom the rules do not allow beside
   * it goes in the same transaction: another id of the same name, and everybody else where one is exclusive.
   */
  putProducer(record: ProducerRecord): Promise<void>;
  /**
   * Registers a consumer of a known topic, or changes one of the same id, and gives its subscription the type.
   * Whom the rules do not allow beside it goes in the same transaction: another id of the same name, and
   * everybody else when the type is exclusive.
   */
  putConsumer(record: ConsumerRecord): Promise<void>;
  /** Writes signs of life in one transaction. Ids that are gone are ignored. */
  saveSigns(signs: readonly ClientSign[]): Promise<void>;
  /** Forgets producers and consumers in one transaction. Ids that are gone are ignored. */
  removeClients(ids: readonly bigint[]): Promise<void>;
}
