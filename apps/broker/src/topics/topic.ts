import type { TopicLog } from '@danube/storage';
import type { Delivery } from '../dispatch/delivery.ts';
import { NonReliableDispatcher } from '../dispatch/non-reliable-dispatcher.ts';
import { ReliableDispatcher } from '../dispatch/reliable-dispatcher.ts';
import type { DispatchStrategy } from '../metadata/metadata-store.ts';
import type { Producer } from './producer.ts';
import type { Consumer, Subscription } from './subscription.ts';

/** A topic the broker serves. */
export interface Topic {
  readonly name: string;
  readonly dispatch: DispatchStrategy;
  /** By name. */
  readonly producers: Map<string, Producer>;
  /** By name. */
  readonly subscriptions: Map<string, Subscription>;
  /** The log of a reliable topic; undefined for others and while it could not be opened. */
  log: TopicLog | undefined;
}

/** What a publish to a non-reliable topic came to. */
export interface FanOut {
  readonly taken: number;
  readonly dropped: number;
}

/** Hands a message of a non-reliable topic to each of its subscriptions. */
export function fanOut(topic: Topic, message: Delivery): FanOut {
  let taken = 0;
  let dropped = 0;
  for (const { dispatcher } of topic.subscriptions.values()) {
    if (dispatcher instanceof NonReliableDispatcher && dispatcher.publish(message)) taken += 1;
    else dropped += 1;
  }
  return { taken, dropped };
}

/** The dispatcher of a subscription of a reliable topic, undefined for others. */
export function reliableDispatcherOf(subscription: Subscription): ReliableDispatcher | undefined {
  return subscription.dispatcher instanceof ReliableDispatcher ? subscription.dispatcher : undefined;
}

/** Whether a producer or consumer has been silent for longer than `limitMs`. A consumer with a stream never is. */
export function isSilent(client: Producer | Consumer, nowMs: number, limitMs: number): boolean {
  return !('sink' in client && client.sink !== undefined) && nowMs - client.lastSeenMs > limitMs;
}
