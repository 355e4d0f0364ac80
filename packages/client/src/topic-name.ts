const segment = /^[A-Za-z0-9_-]+$/;

/** The two parts of a topic name. */
export interface TopicName {
  readonly namespace: string;
  readonly topic: string;
}

/** What a topic name must look like, in words; for error messages. */
export const TOPIC_NAME_RULE =
  'a topic name is /namespace_name/topic_name, each part one or more of A–Z a–z 0–9 _ -';

/**
 * Splits a topic name `/namespace/topic` into its parts, or answers `undefined` when the name is malformed.
 *
 * The rule is the protocol's: a leading slash, exactly two parts, each of letters, digits, `_` and `-`
 * ({@link TOPIC_NAME_RULE}). Letters are ASCII letters here, so that every accepted name is also a file name
 * and a catalog name. A partition of a partitioned topic is such a name too: `/default/orders-part-0`.
 */
export function parseTopicName(name: string): TopicName | undefined {
  const [root, namespace, topic, ...rest] = name.split('/');
  if (root !== '' || namespace === undefined || topic === undefined || rest.length > 0) return undefined;
  return segment.test(namespace) && segment.test(topic) ? { namespace, topic } : undefined;
}
