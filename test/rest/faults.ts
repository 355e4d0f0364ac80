import type { Fault, Reply } from '../../packages/objectstore/test/support/fault-proxy.ts';

/** Something that befalls the request of an operation. */
export interface FaultCase {
  readonly name: string;
  readonly fault: Fault;
  /** The client's limit of an attempt. Default 5 s, which only a fault reaches. */
  readonly timeoutMs?: number;
  /** The fault befalls every sending, not only the first. */
  readonly always?: boolean;
  /** From then on nothing else gets through either: the client cannot look at what became of it. */
  readonly blind?: boolean;
  /** What the client has to say then, besides what is true: a code, or `done`. */
  readonly told?: string | ((operation: string) => string | undefined);
}

/** Less than a server that is busy needs would be another case than the one that is meant. */
const SHORT_MS = 1500;

/** An error as a catalog puts it. */
function refusal(status: number, type: string, headers: Readonly<Record<string, string>> = {}): Reply {
  const error = { message: 'By the fault proxy.', type, code: status };
  return {
    status,
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify({ error }),
  };
}

const page = (status: number): Reply => ({
  status,
  headers: { 'Content-Type': 'text/html' },
  body: '<html><body><h1>The gateway is unwell</h1></body></html>',
});

/** The server never hears of it. */
const instead = (reply: Reply): Fault => ({ kind: 'answer', ...reply });
/** The server has done it. */
const after = (reply: Reply): Fault => ({ kind: 'replace-reply', by: () => reply });

const unavailable = refusal(503, 'ServiceUnavailableException');
const comeBack = refusal(503, 'ServiceUnavailableException', { 'Retry-After': '0' });
const broken = refusal(500, 'InternalServerError');
const lost: Fault = { kind: 'lose-reply' };

/** All of them, for operations that change something. */
export const faultCases: readonly FaultCase[] = [
  { name: 'the reply is lost by a reset', fault: lost },
  { name: 'the reply is lost by an end of the connection', fault: { kind: 'lose-reply', by: 'fin' } },
  { name: 'every reply is lost', fault: lost, always: true },
  { name: 'the reply is lost, and nothing answers from then on', fault: lost, always: true, blind: true },
  { name: 'the reply comes after the time-out', fault: { kind: 'hold-reply' }, timeoutMs: SHORT_MS },
  {
    name: 'the request lands after the time-out',
    fault: { kind: 'late-request', byMs: SHORT_MS + 300 },
    timeoutMs: SHORT_MS,
  },
  {
    name: 'the body of the reply is slower than the time-out',
    fault: { kind: 'slow-response', pieceBytes: 16, pauseMs: SHORT_MS / 2 },
    timeoutMs: SHORT_MS,
  },
  { name: 'the connection is reset before', fault: { kind: 'reset-before' } },
  { name: 'the connection is reset before, every time', fault: { kind: 'reset-before' }, always: true },
  { name: 'the request is cut off', fault: { kind: 'cut-request', afterBytes: 4 } },
  {
    name: '409',
    fault: instead(refusal(409, 'AlreadyExistsException')),
    told: (operation) =>
      ({
        commit: 'COMMIT_CONFLICT',
        'commit of a schema': 'COMMIT_CONFLICT',
        create: 'ALREADY_EXISTS',
        rename: 'ALREADY_EXISTS',
      })[operation],
  },
  {
    name: '419',
    fault: instead(refusal(419, 'AuthenticationTimeoutException')),
    told: 'ACCESS_DENIED',
  },
  {
    name: '429 with Retry-After',
    told: 'done',
    fault: instead(refusal(429, 'TooManyRequests', { 'Retry-After': '0' })),
  },
  {
    name: '429 with Retry-After, every time',
    told: 'CATALOG_UNAVAILABLE',
    fault: instead(refusal(429, 'TooManyRequests', { 'Retry-After': '0' })),
    always: true,
  },
  { name: '500', fault: instead(broken) },
  { name: '500 after the server did it', fault: after(broken) },
  { name: '502', fault: instead(refusal(502, 'BadGateway')) },
  { name: '502 with a page of HTML', fault: instead(page(502)) },
  { name: '502 with a page of HTML after the server did it', fault: after(page(502)) },
  { name: '503', fault: instead(unavailable) },
  { name: '503 after the server did it', fault: after(unavailable) },
  { name: '503 after the server did it, every time', fault: after(unavailable), always: true },
  { name: '503 with Retry-After', fault: instead(comeBack) },
  { name: '503 with Retry-After after the server did it', fault: after(comeBack) },
  { name: '504', fault: instead(refusal(504, 'GatewayTimeout')) },
  { name: '504 after the server did it', fault: after(refusal(504, 'GatewayTimeout')) },
  { name: '200 with a page of HTML after the server did it', fault: after(page(200)) },
  { name: '200 with a page of HTML', fault: instead(page(200)) },
  {
    name: '200 with the first half of the JSON',
    fault: {
      kind: 'replace-reply',
      by: ({ status, headers = {}, body = '' }) => ({
        // A reply without a body has no half: a success with some JSON's half stands in for it.
        status: status === 204 ? 200 : status,
        headers: { 'Content-Type': 'application/json', ...headers },
        body: body === '' ? '{"metadata-loc' : body.slice(0, body.length / 2),
      }),
    },
  },
  {
    name: 'the reply breaks off in its body',
    fault: { kind: 'cut-response', afterBytes: 20, by: 'rst' },
  },
];
