import { createCallPolicy, parseRetryAfter } from '@danube/resilience';

const url = process.argv[2] ?? 'http://127.0.0.1:8080/';
const endpoint = createCallPolicy({
  name: new URL(url).host,
  timeoutMs: 5_000,
  maxConcurrent: 16,
  onEvent: (event) => console.error(event.kind),
});

class HttpError extends Error {
  readonly response: Response;
  constructor(response: Response) {
    super(`HTTP ${response.status}`);
    this.response = response;
  }
}

const text = await endpoint.execute(
  async ({ signal }) => {
    const response = await fetch(url, { signal });
    if (!response.ok) throw new HttpError(response);
    return response.text();
  },
  {
    operation: 'GET',
    // A GET may be sent twice, so whatever went wrong on the way may be tried again.
    classify: (error) => {
      const response = error instanceof HttpError ? error.response : undefined;
      const fault = response === undefined || response.status >= 500;
      const retryAfterMs = parseRetryAfter(response?.headers.get('retry-after'), Date.now());
      return { retry: fault, endpointFault: fault, retryAfterMs };
    },
  },
);
console.log(text);
