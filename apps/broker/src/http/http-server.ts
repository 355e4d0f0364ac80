import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { formatAddress } from '../config/address.ts';
import type { Address } from '../config/settings.ts';
import { BrokerError, codeOf, messageOf } from '../errors.ts';
import type { Metrics } from './metrics.ts';

/** The answer of a health check: whether all is well, and the facts. */
export interface Health {
  readonly ok: boolean;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** What the HTTP server shows. */
export interface HttpServerOptions {
  readonly address: Address;
  readonly metrics: Metrics;
  /** `/healthz`: false when only a restart can help. */
  readonly health: () => Health;
  /** `/readyz`: whether clients should be sent here now. */
  readonly readiness: () => Health;
}

/** A listening HTTP server. */
export interface HttpServer {
  /** The address with the real port. */
  readonly address: Address;
  close(): Promise<void>;
}

/** Serves `/healthz`, `/readyz` (200 or 503, JSON) and `/metrics` (Prometheus text). @throws BrokerError `ADDRESS_IN_USE`, `CONFIG_INVALID` */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const server = createServer((request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0];
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return respond(response, 405, 'text/plain', 'Only GET.\n');
    if (path === '/healthz') return respondHealth(response, options.health());
    if (path === '/readyz') return respondHealth(response, options.readiness());
    if (path !== '/metrics')
      return respond(response, 404, 'text/plain', 'There is /healthz, /readyz and /metrics.\n');
    options.metrics.render().then(
      ({ contentType, body }) => respond(response, 200, contentType, body),
      (error: unknown) => respond(response, 500, 'text/plain', `${messageOf(error)}\n`),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(listenError(error, options.address, '--prom-exporter')));
    server.listen(options.address.port, options.address.host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    address: { host: options.address.host, port },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** One sentence for an address that cannot be listened on. */
export function listenError(error: unknown, address: Address, flag: string): BrokerError {
  const code = codeOf(error);
  const where = formatAddress(address);
  if (code === 'EADDRINUSE') {
    return new BrokerError(
      'ADDRESS_IN_USE',
      `The address ${where} is in use; stop what listens there or choose another with ${flag}.`,
      { cause: error },
    );
  }
  const why =
    code === 'EACCES'
      ? 'the port needs more rights'
      : code === 'EADDRNOTAVAIL'
        ? 'this machine has no such address'
        : messageOf(error);
  return new BrokerError('CONFIG_INVALID', `Cannot listen on ${where} (${flag}): ${why}.`, { cause: error });
}

function respondHealth(response: ServerResponse, health: Health): void {
  respond(
    response,
    health.ok ? 200 : 503,
    'application/json',
    `${JSON.stringify({ ok: health.ok, ...health.facts })}\n`,
  );
}

function respond(response: ServerResponse, status: number, contentType: string, body: string): void {
  response.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store' });
  response.end(body);
}
