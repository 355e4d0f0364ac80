import { status } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { CallFailure, clientError, outcomeOf } from './error-mapping.ts';

const answered = { sent: true, answered: true, proxied: false, cancelled: false };
const unanswered = { ...answered, answered: false };
const codes = Object.values(status).filter((code): code is status => typeof code === 'number' && code !== 0);

test('what never left is refused, whatever the code says', () => {
  for (const code of codes)
    expect(outcomeOf(code, { ...unanswered, sent: false }), status[code]).toBe('refused');
});

test('what left and was not answered is unknown, whatever the code says', () => {
  for (const code of codes) expect(outcomeOf(code, unanswered), status[code]).toBe('unknown');
});

test('an answer is a refusal only for the codes the protocol keeps for refusals', () => {
  const refusals = codes
    .filter((code) => outcomeOf(code, answered) === 'refused')
    .map((code) => status[code]);
  expect(refusals.sort()).toEqual([
    'ALREADY_EXISTS',
    'FAILED_PRECONDITION',
    'INVALID_ARGUMENT',
    'NOT_FOUND',
    'OUT_OF_RANGE',
    'PERMISSION_DENIED',
    'RESOURCE_EXHAUSTED',
    'UNAUTHENTICATED',
    'UNAVAILABLE',
    'UNIMPLEMENTED',
  ]);
  expect(outcomeOf(status.UNAVAILABLE, { ...answered, proxied: true })).toBe('unknown');
});

test('the three codes are tried again, and broken connections; never what we cancelled', () => {
  const transient = (progress: typeof answered) =>
    codes
      .filter((code) => new CallFailure({ code, details: '' }, progress).transient)
      .map((code) => status[code])
      .sort();
  const three = ['DEADLINE_EXCEEDED', 'RESOURCE_EXHAUSTED', 'UNAVAILABLE'];
  expect(transient(answered)).toEqual(three);
  expect(transient(unanswered)).toEqual([...three, 'CANCELLED', 'INTERNAL', 'UNKNOWN'].sort());
  expect(transient({ ...unanswered, cancelled: true })).toEqual([]);
});

test('errors carry code, gRPC status and cause, and repeat no more than the broker said', () => {
  const failure = new CallFailure({ code: status.PERMISSION_DENIED, details: 'not yours' }, answered);
  const error = clientError(failure, 'subscribe to /a/b', { topic: '/a/b' });
  expect(error).toMatchObject({
    code: 'PERMISSION_DENIED',
    message: 'PERMISSION_DENIED: could not subscribe to /a/b: not yours',
    outcome: 'refused',
    retryable: false,
    context: { topic: '/a/b', grpcStatus: 'PERMISSION_DENIED' },
    cause: failure,
  });
  expect(clientError(error, 'anything')).toBe(error);
});
