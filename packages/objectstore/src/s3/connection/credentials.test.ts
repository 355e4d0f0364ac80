import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createCredentialSource, type Identity } from './credentials.ts';

const keys = (accessKeyId: string): Identity => ({ accessKeyId, secretAccessKey: 'secret' });

test('keys that come after others were asked for are not used', async () => {
  let late: (identity: Identity) => void = () => {};
  const fetch = vi.fn<() => Promise<Identity>>();
  fetch.mockReturnValueOnce(
    new Promise((resolve) => {
      late = resolve;
    }),
  );
  fetch.mockResolvedValueOnce(keys('new'));
  const source = createCredentialSource(fetch, 30);
  await expect(source.current()).rejects.toMatchObject({ code: 'TIMEOUT', retryable: true });
  expect((await source.current()).accessKeyId).toBe('new');
  late(keys('old'));
  await sleep(5);
  expect((await source.current()).accessKeyId).toBe('new');
  expect(fetch).toHaveBeenCalledTimes(2);
});

test('refused keys are renewed at most every ten seconds, by a clock that nobody sets back', async () => {
  onTestFinished(() => void vi.useRealTimers());
  vi.useFakeTimers({ toFake: ['Date', 'performance'] });
  const source = createCredentialSource(async () => keys('k'), 1000);
  await source.current();
  expect(source.refuse(source.generation)).toBe(true);
  await source.current();
  expect(source.refuse(source.generation)).toBe(false);
  vi.advanceTimersByTime(11_000);
  vi.setSystemTime(Date.now() - 3_600_000);
  expect(source.refuse(source.generation)).toBe(true);
});
