import { expect, test } from 'vitest';
import { parseRetryAfter } from './retry-after.ts';

const nowMs = Date.UTC(2026, 10, 6, 8, 49, 0);

test.each([
  ['0', 0],
  ['120', 120_000],
  [' 7 ', 7000],
  ['99999999999999999999', Number.MAX_SAFE_INTEGER],
  ['Fri, 06 Nov 2026 08:49:37 GMT', 37_000],
  ['Friday, 06-Nov-26 08:49:37 GMT', 37_000],
  ['Fri Nov  6 08:49:37 2026', 37_000],
  ['Mon Nov 16 08:49:00 2026', 864_000_000],
  ['Fri, 06 Nov 2026 08:48:59 GMT', 0],
  ['Sunday, 06-Nov-94 08:49:37 GMT', 0],
  ['Tue, 29 Feb 2028 00:00:00 GMT', Date.UTC(2028, 1, 29) - nowMs],
  ['Thu, 31 Dec 2026 23:59:60 GMT', Date.UTC(2027, 0, 1) - nowMs],
])('%j means a wait of %d ms', (header, waitMs) => {
  expect(parseRetryAfter(header, nowMs)).toBe(waitMs);
});

test.each([
  undefined,
  null,
  '',
  ' ',
  '-1',
  '1.5',
  '1e3',
  '0x10',
  'soon',
  '12, 30',
  '2026-11-06T08:49:37Z',
  'Fri, 06 Nov 2026 08:49:37',
  'Fri, 06 Nov 2026 08:49:37 CET',
  'Fri, 6 Nov 2026 08:49:37 GMT',
  'Fri, 06 Nix 2026 08:49:37 GMT',
  'Mon, 30 Feb 2026 08:49:37 GMT',
  'Fri, 00 Nov 2026 08:49:37 GMT',
  'Fri, 06 Nov 2026 24:00:00 GMT',
  'Fri, 06 Nov 2026 08:60:00 GMT',
])('%j is as good as no header', (header) => {
  expect(parseRetryAfter(header, nowMs)).toBeUndefined();
});

test('asctime is read as GMT wherever the process runs', () => {
  const zone = process.env['TZ'];
  process.env['TZ'] = 'Asia/Kolkata';
  try {
    expect(parseRetryAfter('Fri Nov  6 08:49:37 2026', nowMs)).toBe(37_000);
  } finally {
    if (zone === undefined) delete process.env['TZ'];
    else process.env['TZ'] = zone;
  }
});

test('two digits of a year mean one at most 50 years ahead', () => {
  expect(parseRetryAfter('Friday, 06-Nov-76 08:49:00 GMT', nowMs)).toBe(Date.UTC(2076, 10, 6, 8, 49) - nowMs);
  expect(parseRetryAfter('Sunday, 06-Nov-77 08:49:00 GMT', nowMs)).toBe(0);
});
