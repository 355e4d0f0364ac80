import { ClientError } from './errors.ts';
import { parseTopicName, TOPIC_NAME_RULE } from './topic-name.ts';

/** The topic name if it is well-formed; throws `INVALID_ARGUMENT` otherwise. */
export function checkedTopic(topic: string): string {
  if (parseTopicName(topic) === undefined) {
    throw new ClientError('INVALID_ARGUMENT', `${JSON.stringify(topic)}: ${TOPIC_NAME_RULE}`, {
      outcome: 'refused',
      context: { topic },
    });
  }
  return topic;
}

/**
 * The text if it has a UTF-8 form; throws `INVALID_ARGUMENT` otherwise. A lone surrogate has none: it would arrive
 * as another character.
 */
export function checkedText(what: string, text: string): string {
  if (typeof text !== 'string' || !text.isWellFormed()) {
    throw new ClientError('INVALID_ARGUMENT', `${what} must be a string of whole Unicode characters`, {
      outcome: 'refused',
    });
  }
  return text;
}

/** Like {@link checkedText}, and not empty. */
export function checkedName(what: string, text: string): string {
  if (checkedText(what, text) === '')
    throw new ClientError('INVALID_ARGUMENT', `${what} must not be empty`, { outcome: 'refused' });
  return text;
}
