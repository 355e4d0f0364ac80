import { inspect } from 'node:util';
import { IcebergError } from '@danube/iceberg';
import { expect, onTestFinished } from 'vitest';
import type { AuthRequest, RestAuth } from '../../src/auth/rest-auth.ts';

/** A request of a catalog, as far as proof of who calls needs one. */
export const authRequest = (more: Partial<AuthRequest> = {}): AuthRequest => ({
  method: 'GET',
  url: new URL('https://catalog.example.com/v1/namespaces'),
  headers: { accept: 'application/json' },
  body: undefined,
  signal: new AbortController().signal,
  ...more,
});

/** The bearer token that a request would carry now. */
export async function tokenOf(auth: RestAuth, request: AuthRequest = authRequest()): Promise<string> {
  const { authorization = '' } = await auth.authorize(request);
  expect(authorization).toMatch(/^Bearer /);
  return authorization.slice('Bearer '.length);
}

/** Closes it when the test is over. */
export function closing<T extends RestAuth>(auth: T): T {
  onTestFinished(() => auth.close?.());
  return auth;
}

/** What a promise rejects with, which must be an `IcebergError`. */
export async function failureOf(promise: Promise<unknown>): Promise<IcebergError> {
  const error = await promise.then(
    (value) => expect.unreachable(`resolved with ${inspect(value)}`),
    (reason: unknown) => reason,
  );
  if (!IcebergError.is(error)) throw error;
  return error;
}

/** Everything that a log line, a debugger or a crash report could show of a value. */
export function everythingOf(value: unknown): string {
  const shown = inspect(value, { depth: 20, showHidden: true, getters: true, maxStringLength: null });
  const causes: string[] = [];
  for (let next = value; next instanceof Error; next = next.cause)
    causes.push(next.stack ?? '', next.message);
  return [shown, JSON.stringify(value), String(value), ...causes].join('\n');
}

/** Fails if one of the secrets can be seen, in whatever encoding a request carries it. */
export function expectHidden(value: unknown, secrets: readonly string[]): void {
  const all = everythingOf(value);
  for (const secret of secrets) {
    for (const spelling of [
      secret,
      encodeURIComponent(secret),
      new URLSearchParams({ s: secret }).toString().slice(2),
      Buffer.from(secret).toString('base64'),
    ]) {
      expect(all.includes(spelling), `a secret is in ${all.replaceAll(spelling, '<<HERE>>')}`).toBe(false);
    }
  }
}
