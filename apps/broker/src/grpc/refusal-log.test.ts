import { StorageError } from '@danube/storage';
import { expect, test, vi } from 'vitest';
import { BrokerError } from '../errors.ts';
import { createRefusalLog } from './refusal-log.ts';

function setUp() {
  const logger = { debug: vi.fn(), warn: vi.fn() };
  let nowMs = 0;
  const refused = createRefusalLog(logger, () => nowMs);
  return { logger, refused, pass: (ms: number) => (nowMs += ms) };
}

const full = new StorageError('BACKLOG_FULL', 'the log had no room');

test('a storm of one refusal is one warning in ten seconds, with the number left out', () => {
  const { logger, refused, pass } = setUp();
  for (let i = 0; i < 1_000; i += 1) refused('/Send', full);
  expect(logger.warn).toHaveBeenCalledTimes(1);
  pass(10_000);
  refused('/Send', full);
  expect(logger.warn).toHaveBeenCalledTimes(2);
  expect(logger.warn.mock.lastCall![0]).toMatchObject({ leftOut: 999 });
});

test('another method or code is told at once', () => {
  const { logger, refused } = setUp();
  refused('/Send', full);
  refused('/Create', full);
  refused('/Send', new StorageError('LOG_FAILED', 'the log failed'));
  expect(logger.warn).toHaveBeenCalledTimes(3);
});

test('what a client got wrong is no warning', () => {
  const { logger, refused } = setUp();
  refused('/Send', new BrokerError('NOT_FOUND', 'There is no producer 1.'));
  refused('/Send', new StorageError('MESSAGE_INVALID', 'too many attributes'));
  expect(logger.warn).not.toHaveBeenCalled();
  expect(logger.debug).toHaveBeenCalledTimes(2);
});
