import { expect, test } from 'vitest';
import { mapS3Error } from './error-mapping.ts';

const facts = { operation: 'put', endpoint: 'there/bucket' };
const systemError = (code: string, syscall?: string) =>
  Object.assign(new Error(`${syscall} ${code}`), { code, ...(syscall !== undefined && { syscall }) });

test.each([
  ['ECONNREFUSED', 'connect'],
  ['EHOSTUNREACH', 'connect'],
  ['ETIMEDOUT', 'connect'],
  ['ENOTFOUND', 'getaddrinfo'],
  // Of several addresses that were tried in turn.
  ['ECONNREFUSED', undefined],
])('%s of %s: nothing was sent', (code, syscall) => {
  const { error, retry, mayHaveHappened } = mapS3Error(systemError(code, syscall), facts);
  expect([error.code, retry, mayHaveHappened]).toEqual(['UNAVAILABLE', true, false]);
});

test.each([
  ['ECONNRESET', 'read'],
  ['EPIPE', 'write'],
  // The route went away while the answer was awaited: Linux gives the last ICMP error instead of ETIMEDOUT.
  ['EHOSTUNREACH', 'read'],
  ['ENETUNREACH', 'write'],
  ['ECONNREFUSED', 'read'],
])('%s of %s: the request may have been executed', (code, syscall) => {
  const { error, retry, mayHaveHappened } = mapS3Error(systemError(code, syscall), facts);
  expect([error.code, retry, mayHaveHappened]).toEqual(['UNAVAILABLE', true, true]);
});
