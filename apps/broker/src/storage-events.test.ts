import type { PersistentStorage, StorageEvents } from '@danube/storage';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { createMetrics } from './http/metrics.ts';
import { logStorageEvents } from './storage-events.ts';

test('a catalog that stays away is told of ever less often', () => {
  const lines: { level: number; attempt: number }[] = [];
  const logger = pino({ level: 'debug' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  let tell = (_event: StorageEvents['commit-retry']) => {};
  const on = (name: string, listener: typeof tell) => {
    if (name === 'commit-retry') tell = listener;
    return () => {};
  };
  logStorageEvents({ on } as unknown as PersistentStorage, logger, createMetrics());
  for (let attempt = 0; attempt < 1_000; attempt += 1)
    tell({ table: 'default.orders', attempt, error: new Error('away') });
  const warned = lines.filter(({ level }) => level === 40).map(({ attempt }) => attempt);
  expect(warned).toEqual([0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512]);
  expect(lines).toHaveLength(1_000);
});
