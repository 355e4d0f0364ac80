import { defaultDispatchSettings } from '../../src/dispatch/dispatch-settings.ts';
import { silentLogger } from '../../src/log.ts';
import type { MetadataStore } from '../../src/metadata/metadata-store.ts';
import { TopicRegistry } from '../../src/topics/topic-registry.ts';
import { onCleanUp } from './clean-up.ts';
import type { MemoryStorage } from './memory-storage.ts';

/** A registry over them, not loaded yet, closed after the test. */
export function createTestRegistry(storage: MemoryStorage, store: MetadataStore): TopicRegistry {
  const registry = new TopicRegistry({
    storage: storage.asStorage(),
    store,
    dispatch: defaultDispatchSettings,
    cursorFlushIntervalMs: 500,
    autoCreateTopics: true,
    logger: silentLogger(),
    events: { delivered: () => {}, acked: () => {}, skipped: () => {} },
  });
  onCleanUp(() => registry.close());
  return registry;
}
