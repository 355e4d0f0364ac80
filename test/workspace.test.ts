import { expect, test } from 'vitest';

test('tests run on the Node.js the launcher chose', () => {
  expect(process.versions.node).toMatch(/^(2[4-9]|[3-9]\d)\./);
});
