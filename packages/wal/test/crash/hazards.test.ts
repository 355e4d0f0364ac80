import { test } from 'vitest';
import * as wal from '../../src/index.ts';
import { frameOfAnEarlierLife, recordsOfAnEarlierFrame, stateOnlyInTheCache } from './hazard-driver.ts';

test('a frame of an earlier life that shows through after a power loss is not taken for a record', () =>
  frameOfAnEarlierLife(wal));

test('records of an earlier frame that show through under a later header are not taken for its own', () =>
  recordsOfAnEarlierFrame(wal));

test('a truncation whose state is only in the page cache deletes nothing until a state is durable', () =>
  stateOnlyInTheCache(wal));
