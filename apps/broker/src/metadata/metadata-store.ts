import type { ClientStore } from './client-records.ts';
import type { SubscriptionType } from './subscription-type.ts';

/** How a topic delivers; fixed when the topic is created. */
export type DispatchStrategy = 'reliable' | 'non-reliable';

/** A topic as the broker knows it; its messages live in storage, not here. */
export interface TopicRecord {
  readonly name: string;
  readonly namespace: string;
  readonly dispatch: DispatchStrategy;
  readonly createdAtMs: number;
}

/** A durable subscription of a reliable topic. */
export interface SubscriptionRecord {
  readonly topic: string;
  readonly name: string;
  readonly type: SubscriptionType;
  /** Highest offset up to which everything was acknowledged; -1 before the first. */
  readonly cursor: number;
}

/** A new value of a subscription's cursor. */
export interface CursorUpdate {
  readonly topic: string;
  readonly subscription: string;
  readonly cursor: number;
}

/**
 * Where a broker keeps what is neither a message nor a table: namespaces, topics, subscriptions, cursors, and who
 * was given an id.
 *
 * One owner at a time. Every change is durable when its promise resolves, and none is visible in part.
 * Calls may overlap; each is atomic by itself.
 *
 * @throws BrokerError `METADATA_STORE_FAILED` from every method when the store cannot be read or written
 */
export interface MetadataStore extends ClientStore {
  /** Namespaces in name order. */
  listNamespaces(): Promise<readonly string[]>;
  /** Creates a namespace; does nothing when it exists. */
  createNamespace(name: string): Promise<void>;
  /** Topics in name order. */
  listTopics(): Promise<readonly TopicRecord[]>;
  /**
   * Creates a topic and its namespace. When the topic exists, nothing changes and the stored record is
   * returned: compare its dispatch strategy.
   */
  createTopic(record: TopicRecord): Promise<TopicRecord>;
  /** Forgets a topic, its subscriptions, their cursors and its clients; does nothing when it does not exist. */
  deleteTopic(name: string): Promise<void>;
  /** Subscriptions of a topic in name order. */
  listSubscriptions(topic: string): Promise<readonly SubscriptionRecord[]>;
  /** Creates a subscription, or changes the type of an existing one; an existing cursor stays. Returns what is stored. */
  putSubscription(record: SubscriptionRecord): Promise<SubscriptionRecord>;
  /** Forgets a subscription, its cursor and its consumers; does nothing when it does not exist. */
  deleteSubscription(topic: string, name: string): Promise<void>;
  /** Moves cursors forward in one transaction. A lower value, or a subscription that is gone, is ignored. */
  saveCursors(updates: readonly CursorUpdate[]): Promise<void>;
  /** Releases the store. Further calls fail. */
  close(): Promise<void>;
}
