import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareKeys } from './key.ts';

test('keys are in the order of their UTF-8 bytes, also where that is not the order of their UTF-16 units', () => {
  expect(compareKeys('z\uff5e', 'z\u{1f600}')).toBeLessThan(0);
  // A small alphabet on both sides of the surrogates, so that keys share beginnings.
  const character = fc.constantFrom(
    'a',
    '/',
    '0',
    '\ud7ff',
    '\ue000',
    '\uffff',
    '\u{10000}',
    '\u{1f600}',
    '\u{10ffff}',
  );
  const key = fc.array(character, { maxLength: 5 }).map((characters) => characters.join(''));
  fc.assert(
    fc.property(key, key, (a, b) => {
      expect(Math.sign(compareKeys(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
    { numRuns: 2000 },
  );
});
