/** How a connection ends: in order, or with a reset. */
export type End = 'fin' | 'rst';

/** An answer as a client gets it; its length is a header of its own. */
export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** What the proxy does to one request. Bytes of a body are counted without the framing of chunks. */
export type Fault =
  /** Nothing, or a wait before the request is forwarded. */
  | { readonly kind: 'pass'; readonly delayMs?: number }
  /** Resets the connection when the head has come; the server never hears of the request. */
  | { readonly kind: 'reset-before' }
  /**
   * Resets both connections when `afterBytes` of the request's body have come to the server. Not fired if the body is no
   * longer.
   */
  | { readonly kind: 'cut-request'; readonly afterBytes: number }
  /** The server does what it was asked, all of it; the client sees its connection end. Default `by`: `rst`. */
  | { readonly kind: 'lose-reply'; readonly by?: End }
  /** The server does what it was asked; the client gets the answer `forMs` later. Default: never. */
  | { readonly kind: 'hold-reply'; readonly forMs?: number }
  /** Ends the connection when `afterBytes` of the answer's body have passed. Not fired if the body is no longer. */
  | { readonly kind: 'cut-response'; readonly afterBytes: number; readonly by: End }
  /**
   * Inverts one bit of byte `at` of the answer's body. Default: the middle one, or the first if no header tells the
   * length. Not fired if the body is shorter.
   */
  | { readonly kind: 'flip-response-byte'; readonly at?: number }
  /** The same to the request's body. In an aws-chunked one `at` counts the signed framing, too. */
  | { readonly kind: 'flip-request-byte'; readonly at?: number }
  /**
   * Reads the whole request and forwards it `byMs` later, also if the client has given up by then: it lands when nobody
   * waits for it any more.
   */
  | { readonly kind: 'late-request'; readonly byMs: number }
  /** The server does what it was asked; the client gets what `by` makes of the answer, whose body is taken for text. */
  | { readonly kind: 'replace-reply'; readonly by: (reply: Reply) => Reply }
  /** Hands the answer's body on in pieces of `pieceBytes`, and waits `pauseMs` before each. */
  | { readonly kind: 'slow-response'; readonly pieceBytes: number; readonly pauseMs: number }
  /** Answers in place of the server, which never hears of the request. */
  | ({ readonly kind: 'answer' } & Reply);

/** S3's answer for an error with this code, such as `answerError(403, 'AccessDenied')`. */
export function answerError(
  status: number,
  code: string,
  headers: Readonly<Record<string, string>> = {},
): Fault {
  const body = `<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>${code}</Code><Message>By the fault proxy.</Message><RequestId>fault-proxy</RequestId></Error>`;
  return { kind: 'answer', status, headers: { 'Content-Type': 'application/xml', ...headers }, body };
}

/** S3's 503 SlowDown; with seconds, a `Retry-After`. */
export const slowDown = (retryAfterSeconds?: number): Fault =>
  answerError(
    503,
    'SlowDown',
    retryAfterSeconds === undefined ? {} : { 'Retry-After': String(retryAfterSeconds) },
  );

/** S3's 500 InternalError. */
export const internalError = (): Fault => answerError(500, 'InternalError');

/** Which requests meet with a fault. A condition that is left out holds for all. */
export interface Rule {
  readonly method?: string;
  /** Tested on the path as sent: percent-encoded, without the query. */
  readonly path?: RegExp;
  /** Tested on what follows the question mark, which is empty if there is none. */
  readonly query?: RegExp;
  /** The first of the matching requests to meet with it, from 1. Default 1. */
  readonly nth?: number;
  /** How many matching requests in a row do. Default 1; `Infinity` for all. */
  readonly times?: number;
  /** One fault for all, or asked for each: a function that draws lots makes a network that fails now and then. */
  readonly fault: Fault | (() => Fault);
}

/** A request that came to the proxy. */
export interface ProxiedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  /** What the server answered, also if the client never saw it, or the proxy in its place. */
  readonly status: number | undefined;
  /** The name of the rule that it fell under. */
  readonly rule: string | undefined;
}

/** A request with what is to be done to it. */
export interface Verdict {
  readonly request: ProxiedRequest;
  readonly fault: Fault;
  /** To be called when the fault has taken effect. */
  fire(): void;
  /** To be called with the status of the answer. */
  answered(status: number): void;
}

interface Kept extends Rule {
  matched: number;
  fired: number;
}

/** The rules by name, what they met with, and every request seen. */
export class FaultRules {
  readonly requests: ProxiedRequest[] = [];
  readonly #rules = new Map<string, Kept>();

  add(name: string, rule: Rule): void {
    if (this.#rules.has(name)) throw new Error(`There is a rule called ${name} already.`);
    this.#rules.set(name, { ...rule, matched: 0, fired: 0 });
  }

  fired(name: string): number {
    const rule = this.#rules.get(name);
    if (rule === undefined) throw new Error(`There is no rule called ${name}.`);
    return rule.fired;
  }

  /** Records the request. Every rule that matches counts it; the first one whose turn it is, in order of adding, wins. */
  judge(seen: Pick<ProxiedRequest, 'method' | 'path' | 'query' | 'headers'>): Verdict {
    let name: string | undefined;
    for (const [candidate, rule] of this.#rules) if (isDue(rule, seen)) name ??= candidate;
    const rule = name === undefined ? undefined : this.#rules.get(name);
    const fault = typeof rule?.fault === 'function' ? rule.fault() : rule?.fault;
    const request = { ...seen, status: undefined as number | undefined, rule: name };
    this.requests.push(request);
    return {
      request,
      fault: fault ?? { kind: 'pass' },
      fire: () => {
        if (rule !== undefined) rule.fired += 1;
      },
      answered: (status) => {
        request.status = status;
      },
    };
  }
}

function isDue(
  rule: Kept,
  { method, path, query }: Pick<ProxiedRequest, 'method' | 'path' | 'query'>,
): boolean {
  if (rule.method !== undefined && rule.method !== method) return false;
  // `search` takes no notice of a regular expression's state, as `test` of a global one would.
  if (rule.path !== undefined && path.search(rule.path) < 0) return false;
  if (rule.query !== undefined && query.search(rule.query) < 0) return false;
  rule.matched += 1;
  const first = rule.nth ?? 1;
  return rule.matched >= first && rule.matched < first + (rule.times ?? 1);
}
