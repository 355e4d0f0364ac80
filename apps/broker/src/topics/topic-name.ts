import { parseTopicName as splitTopicName, TOPIC_NAME_RULE } from '@danube/client/protocol';
import { BrokerError } from '../errors.ts';

/** The parts of a topic name `/namespace/topic`. */
export interface TopicName {
  /** The whole name, for example `/default/orders`. */
  readonly full: string;
  readonly namespace: string;
  readonly topic: string;
}

/** Longest namespace or topic part: both become folder names of the table, with room for a suffix. */
const MAX_PART_LENGTH = 200;

/**
 * Checks and splits a topic name: the protocol's rule `/namespace/topic`, and each part at most 200
 * characters so that it stays usable as the name of a table's folder.
 *
 * @throws BrokerError `INVALID_REQUEST`
 */
export function parseTopicName(full: string): TopicName {
  const parts = splitTopicName(full);
  if (
    parts === undefined ||
    parts.namespace.length > MAX_PART_LENGTH ||
    parts.topic.length > MAX_PART_LENGTH
  ) {
    const shown = JSON.stringify(full.length > 80 ? `${full.slice(0, 80)}…` : full);
    throw new BrokerError(
      'INVALID_REQUEST',
      `The topic name ${shown} is malformed: ${TOPIC_NAME_RULE}, at most ${MAX_PART_LENGTH} characters each.`,
      { context: { topic: full.slice(0, 400) } },
    );
  }
  return { full, ...parts };
}

/** Checks the name of a producer, consumer or subscription: 1–400 characters. @throws BrokerError `INVALID_REQUEST` */
export function checkName(what: 'producer' | 'consumer' | 'subscription', name: string): void {
  if (name.length === 0 || name.length > 400) {
    throw new BrokerError(
      'INVALID_REQUEST',
      `The ${what} name must have 1 to 400 characters, it has ${name.length}.`,
    );
  }
}
