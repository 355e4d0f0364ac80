export type { RefusalCode, StopCode, StorageErrorCode, StorageErrorOptions } from './errors.ts';
export { StorageError } from './errors.ts';
export type { StorageEvents } from './events.ts';
export { openIcebergStorage } from './iceberg-storage.ts';
export type { MessageLimits, NewMessage, StoredMessage } from './message.ts';
export type { OffsetGap } from './offset-gap.ts';
export type {
  BacklogSettings,
  CommitBudget,
  FlushSettings,
  IcebergStorageOptions,
  RetrySettings,
  TopicTarget,
  WalSettings,
} from './options.ts';
export type { StorageStats, TopicStats } from './stats.ts';
export type {
  AppendAck,
  DeleteTopicOptions,
  FlushOptions,
  OpenTopicOptions,
  PersistentStorage,
  ReadOptions,
  TopicLog,
  TopicStatus,
  TopicTableInfo,
} from './storage.ts';
export type { TableName } from './topic-name.ts';
export { tableNameOf } from './topic-name.ts';
