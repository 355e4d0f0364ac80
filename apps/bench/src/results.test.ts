import { expect, test } from 'vitest';
import { formatResult } from './results.ts';

test('a result reads back as what it was, one line an element of a list', () => {
  const result = { scenario: 'x', versions: { go: '1' }, cells: [{ a: 1, b: { c: 2 } }, { a: 2 }], none: [] };
  const text = formatResult(result);
  expect(JSON.parse(text)).toEqual(result);
  expect(text).toContain('\n    {"a":1,"b":{"c":2}},\n    {"a":2}\n');
});
