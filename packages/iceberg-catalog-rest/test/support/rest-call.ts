/** What a REST catalog answered: `body` is undefined if there was none. */
export interface RestAnswer<T> {
  readonly status: number;
  readonly body: T;
}

/**
 * Asks a REST catalog itself, with nothing between: `path` follows `/v1/`. For tests that want to know what the server
 * has, whatever a client believes. Integers above 2^53 are rounded.
 */
export async function restCall<T = unknown>(
  uri: string,
  method: string,
  path: string,
  body?: object,
): Promise<RestAnswer<T>> {
  const response = await fetch(`${uri}/v1/${path}`, {
    method,
    ...(body === undefined
      ? {}
      : { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: (text === '' ? undefined : JSON.parse(text)) as T };
}

/** As `restCall`, but anything else than success is an error. */
export async function restAsk<T = unknown>(
  uri: string,
  method: string,
  path: string,
  body?: object,
): Promise<T> {
  const answer = await restCall<T>(uri, method, path, body);
  if (answer.status < 300) return answer.body;
  throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body).slice(0, 300)}`);
}
