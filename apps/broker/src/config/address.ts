import { isIPv4, isIPv6 } from 'node:net';
import { BrokerError } from '../errors.ts';
import type { Address } from './settings.ts';

/**
 * Reads `host:port`, `[v6]:port` or `:port` (then the host is 127.0.0.1). Port 0 means any free port.
 *
 * @param what the flag or key it came from, for the message
 * @throws BrokerError `CONFIG_INVALID`
 */
export function parseAddress(text: string, what: string): Address {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535 || (match[1] !== undefined && !isIPv6(match[1]))) {
    throw new BrokerError(
      'CONFIG_INVALID',
      `${what}: expected HOST:PORT such as 127.0.0.1:6650, got ${JSON.stringify(text)}.`,
    );
  }
  return { host: match[1] ?? (match[2] || '127.0.0.1'), port };
}

/** Writes an address as `host:port`, IPv6 in brackets. */
export function formatAddress({ host, port }: Address): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Whether only processes of this machine can reach the host. A name other than `localhost` counts as reachable. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}

/** Whether the host means every address of the machine, so that it cannot be dialled itself. */
export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

/**
 * Refuses an address outside this machine unless the operator insists: there is no authentication yet.
 *
 * @throws BrokerError `ADDRESS_REFUSED`
 */
export function checkExposure(address: Address, what: string, insecure: boolean): void {
  if (insecure || isLoopback(address.host)) return;
  throw new BrokerError(
    'ADDRESS_REFUSED',
    `${what}: ${formatAddress(address)} can be reached from other machines and this version has no authentication; use 127.0.0.1, or add --insecure.`,
  );
}
