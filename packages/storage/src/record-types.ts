/** Types of our records in the log; all from the range the log reserves for the layer above it. */

/** A message of a topic. Binary, see record-codec.ts. */
export const MESSAGE_RECORD = 64;
/** A line of the topic dictionary. JSON, see topic-record.ts. */
export const TOPIC_RECORD = 65;
/** A topic was deleted. JSON. */
export const TOPIC_DELETED_RECORD = 66;
/** A topic's next offset was moved ahead at open. JSON, for people. */
export const OFFSET_JUMP_RECORD = 67;
