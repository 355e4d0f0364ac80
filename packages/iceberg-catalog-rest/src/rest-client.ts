import { IcebergError, stringifyJson } from '@danube/iceberg';
import { type Attempt, type CallPolicy, createCallPolicy } from '@danube/resilience';
import { AttemptError } from './attempt-error.ts';
import type { RestAuth } from './auth/rest-auth.ts';
import { type Call, classify, isUnsafeByNow } from './call.ts';
import { CallFailure } from './call-failure.ts';
import { CallsUnderWay } from './calls-under-way.ts';
import { type HttpReply, type HttpTransport, openHttpTransport } from './http-transport.ts';
import type { ResolvedRestCatalogOptions } from './options.ts';
import { entityTag, readBody, refusal } from './reply-reading.ts';
import type { RestRequest } from './rest-request.ts';
import { operationRules } from './retry-rules.ts';

const ownHeaders = {
  accept: 'application/json',
  'accept-encoding': 'gzip',
  // A cache on the way must not answer with a state that is over.
  'cache-control': 'no-cache',
  'user-agent': '@danube/iceberg-catalog-rest',
};
const encoder = new TextEncoder();

/** Sends requests to one server, in as many attempts as the rules and the policy allow. Any number at once. */
export class RestClient {
  readonly #transport: HttpTransport;
  readonly #policy: CallPolicy;
  readonly #auth: RestAuth;
  readonly #headers: Readonly<Record<string, string>>;
  /** Of the headers that the caller set: an API key may be among them. */
  readonly #secrets: readonly string[];
  readonly #calls = new CallsUnderWay();

  constructor(options: ResolvedRestCatalogOptions) {
    this.#auth = options.auth;
    this.#headers = { ...ownHeaders, ...options.headers };
    this.#secrets = Object.values(options.headers).flatMap(secretsIn);
    this.#policy = createCallPolicy({
      ...options.resilience,
      // Who waits for a connection waits before its attempt begins, whose time would run otherwise.
      maxConcurrent: Math.min(
        options.resilience.maxConcurrent ?? options.maxConnections,
        options.maxConnections,
      ),
      name: new URL(options.uri).host,
      onEvent: options.onEvent,
      components: options.components,
    });
    this.#transport = openHttpTransport(options);
  }

  get isClosed(): boolean {
    return this.#calls.isClosing;
  }

  /** Fires when the client is closed. */
  get closing(): AbortSignal {
    return this.#calls.closing;
  }

  /** Rejects with a `CallFailure`, and with nothing else. */
  async send<T>(request: RestRequest<T>): Promise<T> {
    const record = { operation: request.operation, doubts: [] as unknown[], attempts: 0 };
    const call: Call = { record, sent: new Set(), isRenewed: false };
    const underWay = this.#calls.begin();
    try {
      return await this.#policy.execute(
        (attempt) => underWay.attempt(() => this.#attempt(request, call, attempt)),
        {
          operation: request.operation,
          signal: underWay.signal,
          classify: (error, { number }) => classify(error, request, call, { number, underWay }),
        },
      );
    } catch (error) {
      throw new CallFailure(error, record);
    } finally {
      underWay.end();
    }
  }

  /** Ends waits between attempts, waits for attempts under way, and then closes the connections. */
  async close(): Promise<void> {
    await this.#calls.close();
    await this.#transport.close();
    await this.#auth.close?.();
  }

  async #attempt<T>(request: RestRequest<T>, call: Call, attempt: Attempt): Promise<T> {
    const { signal } = attempt;
    if (this.isClosed) throw new AttemptError('not-sent', 'the catalog is closed', { isFinal: true });
    call.record.attempts += 1;
    let [reply, secrets] = await this.#exchange(request, call, attempt);
    if (isStaleProof(reply) && !call.isRenewed && this.#auth.renew !== undefined) {
      call.isRenewed = true;
      if (await proving(this.#auth.renew(signal)))
        [reply, secrets] = await this.#exchange(request, call, attempt);
    }
    const isSuccess = (reply.status >= 200 && reply.status < 300) || isNotModified(reply, request);
    if (!isSuccess) throw refusal(reply, secrets, request.key !== undefined);
    const json = readBody(reply);
    try {
      return request.read({ status: reply.status, etag: entityTag(reply), json });
    } catch (cause) {
      throw new AttemptError('unreadable', 'the reply breaks the REST specification', { cause });
    }
  }

  async #exchange<T>(
    { operation, url, headers, body, key }: RestRequest<T>,
    call: Call,
    { number, signal }: Attempt,
  ): Promise<[reply: HttpReply, secrets: readonly string[]]> {
    const { method } = operationRules[operation];
    const plain: Record<string, string> = { ...this.#headers, ...headers };
    if (key !== undefined) plain['idempotency-key'] = key.text;
    if (body !== undefined) plain['content-type'] = 'application/json';
    const bytes = body === undefined ? undefined : encoder.encode(stringifyJson(body));
    const proof = await proving(this.#auth.authorize({ method, url, headers: plain, body: bytes, signal }));
    signal.throwIfAborted();
    if (isUnsafeByNow(call.record, key)) {
      throw new AttemptError('not-sent', 'the idempotency key ended before the request could be sent again', {
        isFinal: true,
      });
    }
    const reply = await this.#transport.send({
      method,
      url,
      headers: { ...plain, ...lowerCased(proof) },
      body: bytes,
      signal,
      // From here on the server may act on it.
      onSend: () => call.sent.add(number),
    });
    // Refused for who calls: nothing was done, and what follows is a new sending.
    if (isStaleProof(reply)) call.sent.delete(number);
    return [reply, [...this.#secrets, ...Object.values(proof).flatMap(secretsIn)]];
  }
}

/** What proving the caller ends with; the server was not asked for anything then. */
async function proving<T>(proof: Promise<T>): Promise<T> {
  try {
    return await proof;
  } catch (cause) {
    throw new AttemptError('not-sent', 'there is no proof of who calls', { cause, isFinal: true });
  }
}

function isStaleProof({ status }: HttpReply): boolean {
  return status === 401 || status === 419;
}

function isNotModified<T>({ status }: HttpReply, { headers }: RestRequest<T>): boolean {
  return status === 304 && headers?.['if-none-match'] !== undefined;
}

function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

/** A header's value and, of `Bearer x`, the `x`; what is short would blot out words. */
function secretsIn(value: string): string[] {
  return [value, ...value.split(/[\s,=]+/)].filter((part) => part.length >= 8);
}

/** `CATALOG_UNAVAILABLE` of a catalog that was closed. */
export function closedError(uri: string): IcebergError {
  return new IcebergError('CATALOG_UNAVAILABLE', `the catalog of ${uri} is closed`, {
    context: { uri },
    retryable: false,
  });
}
